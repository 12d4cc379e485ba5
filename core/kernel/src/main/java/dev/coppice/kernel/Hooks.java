package dev.coppice.kernel;

/** Which callbacks a behaviour has; one without them starts and stops without a thread. */
record Hooks(boolean init, boolean terminate) {
    static final Hooks BOTH = new Hooks(true, true);
    private static final ClassValue<Hooks> KNOWN = new ClassValue<>() {
        @Override
        protected Hooks computeValue(Class<?> type) {
            try {
                Class<?> init = type.getMethod("init", ProcessContext.class).getDeclaringClass();
                Class<?> terminate = type.getMethod("terminate", ProcessContext.class, ExitReason.class)
                        .getDeclaringClass();
                return new Hooks(init != Behavior.class, terminate != Behavior.class);
            } catch (NoSuchMethodException e) {
                return BOTH;
            }
        }
    };

    static Hooks of(Behavior<?> behavior) {
        return KNOWN.get(behavior.getClass());
    }
}
