// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import io.holdfast.epoch.Ledger;

/** Lets threads die with a guard, a pin and an exclusive lock, and unmaps what they held. */
final class CarelessProgram {
    private CarelessProgram() {
    }

    public static void main(final String[] args) throws InterruptedException {
        System.setErr(System.out);
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).name("careless").open()) {
            final Region region = space.map(1);
            for (final Runnable leak : new Runnable[] {
                () -> leakGuard(region), () -> leakPin(space), () -> leakExclusive(region)}) {
                final Thread thread = new Thread(leak, "careless");
                thread.start();
                thread.join();
            }
            region.share().close();
            try {
                region.assertExclusive();
                System.out.println("assertions are off");
            } catch (final IllegalMonitorStateException e) {
                System.out.println("assertions are on");
            }
            region.unmap();
        }
        System.out.println("everything is unmapped, open entries: " + Ledger.open().size());
    }

    private static void leakGuard(final Region region) {
        region.lockShared();
    }

    private static void leakPin(final AddressSpace space) {
        inside(space).core().domain().pin();
    }

    private static void leakExclusive(final Region region) {
        region.lockExclusive();
    }
}
