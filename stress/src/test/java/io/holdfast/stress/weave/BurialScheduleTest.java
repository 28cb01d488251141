// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.weave;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A burial under the worst schedule: between its two looks the slot changes hands, and its first owner dies (G1). */
public class BurialScheduleTest {
    private static final String PACKAGE = "io.holdfast.epoch.";
    private static volatile Runnable schedule = () -> { };

    @TempDir
    private Path directory;

    /** The woven step: what others do between the look at the owner and the look whether it lives. */
    public static void between(final int number) {
        schedule.run();
    }

    /** For the subject, which is of another class loader and so of another package. */
    public static void schedule(final Runnable steps) {
        schedule = steps;
    }

    /** A virtual thread that is pinned until it is told to end. */
    static final class Pinned {
        private final EpochDomain domain;
        private final CountDownLatch inside = new CountDownLatch(1);
        private final CountDownLatch end = new CountDownLatch(1);
        private final Thread thread;
        volatile long slot; // no nest: it is loaded apart from the test
        private volatile boolean pinnedToTheEnd;

        Pinned(final EpochDomain domain) {
            this.domain = domain;
            this.thread = Thread.ofVirtual().start(this::run);
            await(inside);
        }

        private void run() {
            domain.pin();
            slot = domain.slotOrNone();
            inside.countDown();
            await(end);
            pinnedToTheEnd = domain.isPinned();
            if (pinnedToTheEnd) {
                domain.unpin();
            }
        }

        boolean die() {
            end.countDown();
            try {
                thread.join();
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
            return pinnedToTheEnd;
        }

        private static void await(final CountDownLatch latch) {
            try {
                latch.await();
            } catch (final InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** What is run on the woven classes. */
    public static final class Subject implements Supplier<List<Object>> {
        private final EpochDomain domain = EpochDomain.create(NativeMemory.system(), BarrierFlavour.FENCE);
        private Pinned owner = new Pinned(domain);
        private int changes;

        @Override
        public List<Object> get() {
            schedule(this::changeHands);
            final boolean passed;
            try {
                passed = domain.passed(domain.retireEpoch());
            } finally {
                schedule(() -> { });
            }
            return List.of(changes > 0, passed, domain.orphansBuried(), owner.die());
        }

        private void changeHands() {
            changes++;
            final long slot = owner.slot;
            owner.die();
            Pinned next = new Pinned(domain);
            while (next.slot != slot) {
                next.die();
                next = new Pinned(domain);
            }
            owner = next;
        }
    }

    private static final class ChildFirst extends ClassLoader {
        private final Path woven;

        ChildFirst(final Path woven) {
            super(BurialScheduleTest.class.getClassLoader());
            this.woven = woven;
        }

        @Override
        protected Class<?> loadClass(final String name, final boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith(PACKAGE) && !name.startsWith(BurialScheduleTest.class.getName() + "$")) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                final Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : define(name);
            }
        }

        private Class<?> define(final String name) throws ClassNotFoundException {
            final String path = name.replace('.', '/') + ".class";
            try (InputStream in = Files.exists(woven.resolve(path)) ? Files.newInputStream(woven.resolve(path))
                : getParent().getResourceAsStream(path)) {
                final byte[] bytes = in.readAllBytes();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (final IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    @Test
    void burialMustNotHitTheNextOwnerOfASlot() throws Exception {
        Weaver.weave(List.of(Weave.Place.of(PACKAGE + "SlotGroup", "orphan", "AtomicReferenceArray.getAcquire", 1)
            .after(BurialScheduleTest.class, "between", 0)), directory);
        final Object subject = new ChildFirst(directory).loadClass(Subject.class.getName()).getConstructor().newInstance();
        final List<?> outcome = (List<?>) ((Supplier<?>) subject).get();
        assertThat(outcome.get(0)).as("the slot changed hands while it was looked at").isEqualTo(true);
        assertThat(outcome.get(2)).as("slots buried").isEqualTo(0L);
        assertThat(outcome.get(3)).as("the last owner kept its pin").isEqualTo(true);
    }
}
