// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import java.lang.management.ManagementFactory;
import javax.management.MBeanServerBuilder;
import javax.management.MBeanServerDelegate;
import javax.management.ObjectName;

/** Opens a space while there is no memory to start the platform's server, and another one later; both must be seen. */
public final class LateServerProgram {
    /** Fails once. */
    public static final class Builder extends MBeanServerBuilder {
        private static boolean failed;

        @Override
        public MBeanServerDelegate newMBeanServerDelegate() {
            if (!failed) {
                failed = true;
                throw new OutOfMemoryError("on purpose");
            }
            return super.newMBeanServerDelegate();
        }
    }

    private LateServerProgram() {
    }

    public static void main(final String[] args) throws Exception {
        System.setProperty("javax.management.builder.initial", Builder.class.getName());
        try (AddressSpace first = AddressSpace.builder().capacity(16 << 20).name("first").open()) {
            Inside.awaitMonitoring();
            try (AddressSpace second = AddressSpace.builder().capacity(16 << 20).name("second").open()) {
                Inside.awaitMonitoring();
                System.out.println(ManagementFactory.getPlatformMBeanServer()
                    .queryNames(new ObjectName("io.holdfast:type=AddressSpace,*"), null).size() + " of 2 spaces, failed " +
                    Builder.failed + ", open " + (first.isOpen() && second.isOpen()));
            }
        }
    }
}
