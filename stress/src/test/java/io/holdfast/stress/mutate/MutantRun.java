// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.mutate;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** In a process of its own: runs test classes one after the other until a test fails. */
final class MutantRun {
    /** Exit code if a test failed. */
    static final int CAUGHT = 3;
    /** How the line begins that says which. */
    static final String BY = "caught by: ";
    /** How the line begins that says that a class has passed. */
    static final String PASSED = "passed: ";

    private MutantRun() {
    }

    /** The program; its arguments are the names of test classes. */
    public static void main(final String[] tests) {
        final Launcher launcher = LauncherFactory.create();
        for (final String test : tests) {
            launcher.execute(LauncherDiscoveryRequestBuilder.request().selectors(DiscoverySelectors.selectClass(test))
                .filters(TagFilter.excludeTags("long")).build(), new TestExecutionListener() {
                    @Override
                    public void executionFinished(final TestIdentifier identifier, final TestExecutionResult result) {
                        if (result.getStatus() == TestExecutionResult.Status.FAILED) {
                            end(test + ": " + identifier.getDisplayName() + ": " +
                                result.getThrowable().map(Throwable::toString).orElse("").lines().findFirst().orElse(""));
                        }
                    }
                });
            System.out.println(PASSED + test);
        }
        System.out.flush();
        Runtime.getRuntime().halt(0); // whatever threads a test has left
    }

    private static void end(final String how) {
        System.out.println(BY + how);
        System.out.flush();
        Runtime.getRuntime().halt(CAUGHT);
    }
}
