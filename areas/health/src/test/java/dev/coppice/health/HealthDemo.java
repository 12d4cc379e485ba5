package dev.coppice.health;

import java.nio.file.Files;

/** Runs the area with the quickstart's checks until its standard input ends, for a look at the pages. */
final class HealthDemo {
    private HealthDemo() {}

    public static void main(String[] arguments) throws Exception {
        HealthExtensionTest.directory = Files.createTempDirectory("health-demo");
        HealthExtensionTest.start();
        HealthExtensionTest.applyQuickstart();
        System.out.println("console " + HealthExtensionTest.api.address().orElseThrow() + " public "
                + HealthExtensionTest.open.address().orElseThrow());
        while (System.in.read() >= 0) {
            // Until the end of input.
        }
        HealthExtensionTest.close();
    }
}
