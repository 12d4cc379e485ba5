# Shared by the scripts in benches/: finds a JDK 25, the class path and the peers.

say() { echo "$*" >&2; }

# find_jdk: sets JAVA_HOME to a JDK 25.
find_jdk() {
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/*25*; do
        if [ -x "$home/bin/javac" ] && "$home/bin/javac" -version 2>&1 | grep -q '^javac 25'; then
            JAVA_HOME=$home
            export JAVA_HOME
            return
        fi
    done
    say "No JDK 25 was found: set JAVA_HOME to one."
    exit 1
}

# need PROGRAM PACKAGE: installs a Debian package when root, else says what is missing, and ends.
need() { want "$@" || exit 1; }

# want PROGRAM PACKAGE: the same, and fails.
want() {
    PATH=$PATH:/usr/sbin:/sbin
    export PATH
    command -v "$1" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing $2 ..."
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null 2>&1 || true
    fi
    command -v "$1" >/dev/null || { say "This needs \"$1\": apt install $2"; return 1; }
}

# build_class_path: compiles the benchmarks and sets CLASS_PATH. With BENCH_BUILD=no it takes what was built last, so that no
# compiler runs just before a measurement.
build_class_path() {
    root=$(dirname "$BENCH_HOME")
    if [ "${BENCH_BUILD:-yes}" = no ] && [ -s "$BENCH_HOME/target/class-path" ]; then
        CLASS_PATH="$BENCH_HOME/target/classes:$(cat "$BENCH_HOME/target/class-path")"
        return
    fi
    say "Building ..."
    # In one reactor, so that nothing is installed and two clones never meet.
    (cd "$root" && ./mvnw -B -q -ntp -pl bench -am -DskipTests package dependency:build-classpath \
        -Dmdep.outputFile="$BENCH_HOME/target/class-path" -Dmdep.includeScope=runtime) >&2 || exit 1
    CLASS_PATH="$BENCH_HOME/target/classes:$(cat "$BENCH_HOME/target/class-path")"
}

# build_peer NAME: compiles bench/peers/NAME, a build of its own, and writes its class path to target/class-path; fails if it cannot.
# The first time it is not offline.
build_peer() {
    root=$(dirname "$BENCH_HOME")
    built=$BENCH_HOME/peers/$1
    [ "${BENCH_BUILD:-yes}" = no ] && [ -s "$built/target/class-path" ] && return
    say "Building the peer $1 ..."
    (cd "$root" && ./mvnw -B -q -ntp -f "$built/pom.xml" compile dependency:build-classpath \
        -Dmdep.outputFile="$built/target/class-path") >&2
}

# bench_java MAIN ARGUMENTS...
bench_java() {
    exec "$JAVA_HOME/bin/java" -XX:+UseCompactObjectHeaders --enable-native-access=ALL-UNNAMED -Xmx512m \
        -cp "$CLASS_PATH" "$@"
}
