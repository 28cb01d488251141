// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Each row of docs/LOCK-SEMANTICS.md: what is said to be the same as with {@link StampedLock} or
 * {@link ReentrantReadWriteLock} is one rule that is run against both; what is said to be different is shown of each
 * (G2, G10, G11).
 */
class LockSemanticsTest extends SpaceFixture {
    private static final Path TABLE = Path.of("..", "docs", "LOCK-SEMANTICS.md");
    private static final Pattern ROW = Pattern.compile("(?m)^\\|.*\\| `(\\w+)` \\|$");

    private final ReentrantReadWriteLock readWrite = new ReentrantReadWriteLock();
    private final StampedLock stamped = new StampedLock();
    private Region region;

    /** What stamps do, of a region or of the JDK's lock: 0 or less is a refusal. */
    private interface Stamping {
        long read() throws InterruptedException;

        long tryRead();

        long tryRead(long timeout, TimeUnit unit) throws InterruptedException;

        void unlockRead(long stamp);

        long write();

        long tryWrite();

        long tryWrite(long timeout, TimeUnit unit) throws InterruptedException;

        void unlockWrite(long stamp);

        long optimistic();

        boolean validate(long stamp);

        long toWrite(long stamp);

        long toRead(long stamp);
    }

    private final class OfStampedLock implements Stamping {
        @Override
        public long read() {
            return stamped.readLock();
        }

        @Override
        public long tryRead() {
            return stamped.tryReadLock();
        }

        @Override
        public long tryRead(final long timeout, final TimeUnit unit) throws InterruptedException {
            return stamped.tryReadLock(timeout, unit);
        }

        @Override
        public void unlockRead(final long stamp) {
            stamped.unlockRead(stamp);
        }

        @Override
        public long write() {
            return stamped.writeLock();
        }

        @Override
        public long tryWrite() {
            return stamped.tryWriteLock();
        }

        @Override
        public long tryWrite(final long timeout, final TimeUnit unit) throws InterruptedException {
            return stamped.tryWriteLock(timeout, unit);
        }

        @Override
        public void unlockWrite(final long stamp) {
            stamped.unlockWrite(stamp);
        }

        @Override
        public long optimistic() {
            return stamped.tryOptimisticRead();
        }

        @Override
        public boolean validate(final long stamp) {
            return stamped.validate(stamp);
        }

        @Override
        public long toWrite(final long stamp) {
            return stamped.tryConvertToWriteLock(stamp);
        }

        @Override
        public long toRead(final long stamp) {
            return stamped.tryConvertToReadLock(stamp);
        }
    }

    private final class OfRegion implements Stamping {
        @Override
        public long read() {
            return region.lockShared();
        }

        @Override
        public long tryRead() {
            return region.tryLockShared();
        }

        @Override
        public long tryRead(final long timeout, final TimeUnit unit) throws InterruptedException {
            try {
                return region.lockShared(timeout, unit);
            } catch (final TimeoutException e) {
                return 0;
            }
        }

        @Override
        public void unlockRead(final long stamp) {
            region.unlockShared(stamp);
        }

        @Override
        public long write() {
            return region.lockExclusive();
        }

        @Override
        public long tryWrite() {
            return region.tryLockExclusive();
        }

        @Override
        public long tryWrite(final long timeout, final TimeUnit unit) throws InterruptedException {
            try {
                return region.lockExclusive(timeout, unit);
            } catch (final TimeoutException e) {
                return 0;
            }
        }

        @Override
        public void unlockWrite(final long stamp) {
            region.unlockExclusive(stamp);
        }

        @Override
        public long optimistic() {
            return region.tryOptimisticRead();
        }

        @Override
        public boolean validate(final long stamp) {
            return region.validate(stamp);
        }

        @Override
        public long toWrite(final long stamp) {
            return region.tryConvertToExclusive(stamp);
        }

        @Override
        public long toRead(final long stamp) {
            return region.tryConvertToShared(stamp);
        }
    }

    /** One rule for both. */
    private interface Rule {
        void holdsFor(Stamping lock) throws Exception;
    }

    private void same(final Rule rule) throws Exception {
        rule.holdsFor(new OfStampedLock());
        rule.holdsFor(new OfRegion());
    }

    @BeforeEach
    void mapRegion() {
        region = space.map(PAGE);
    }

    @Test
    void everyRowMustHaveItsTestAndEveryTestItsRow() throws IOException {
        final TreeSet<String> rows = new TreeSet<>();
        final Matcher matcher = ROW.matcher(Files.readString(TABLE));
        while (matcher.find()) {
            assertThat(rows.add(matcher.group(1))).as("twice: %s", matcher.group(1)).isTrue();
        }
        final TreeSet<String> tests = new TreeSet<>();
        for (final var method : LockSemanticsTest.class.getDeclaredMethods()) {
            if (method.isAnnotationPresent(Test.class) && !method.getName().startsWith("everyRow")) {
                tests.add(method.getName());
            }
        }
        assertThat(rows).isEqualTo(tests);
    }

    // ------------------------------------------------------------------------------------------------------- forms

    @Test
    void readersMustNotExcludeReaders() throws Exception {
        same(lock -> {
            final long mine = lock.read();
            Threads.run(() -> {
                final long theirs = lock.tryRead();
                assertThat(theirs).isPositive();
                lock.unlockRead(theirs);
            });
            lock.unlockRead(mine);
        });
    }

    @Test
    void aWriterMustExcludeEverybody() throws Exception {
        same(lock -> {
            final long mine = lock.write();
            Threads.run(() -> {
                assertThat(lock.tryRead()).isNotPositive();
                assertThat(lock.tryWrite()).isNotPositive();
                assertThat(lock.optimistic()).isZero();
            });
            lock.unlockWrite(mine);
        });
    }

    @Test
    void aReaderMustExcludeWriters() throws Exception {
        same(lock -> {
            final long mine = lock.read();
            Threads.run(() -> assertThat(lock.tryWrite()).isNotPositive());
            assertThat(lock.tryWrite()).as("of the reader itself").isNotPositive();
            lock.unlockRead(mine);
            final long stamp = lock.tryWrite();
            assertThat(stamp).isPositive();
            lock.unlockWrite(stamp);
        });
    }

    @Test
    void aRefusalMustBeNoStamp() throws Exception {
        final long held = stamped.writeLock();
        assertThat(stamped.tryReadLock()).as("one value for all reasons").isZero();
        stamped.unlockWrite(held);
        final long mine = region.lockExclusive();
        assertThat(Refusal.of(region.tryLockShared())).as("a reason").isEqualTo(Refusal.EXCLUSIVE);
        region.unlockExclusive(mine);
        final long shared = region.lockShared();
        Threads.run(() -> assertThat(Refusal.of(region.tryLockExclusive())).isEqualTo(Refusal.SHARED));
        region.unlockShared(shared);
    }

    @Test
    void aStampMustEndOneLockOnce() throws Exception {
        same(lock -> {
            final long stamp = lock.write();
            lock.unlockWrite(stamp);
            assertThatThrownBy(() -> lock.unlockWrite(stamp)).isInstanceOf(IllegalMonitorStateException.class);
            final long later = lock.write();
            assertThatThrownBy(() -> lock.unlockWrite(stamp)).isInstanceOf(IllegalMonitorStateException.class);
            lock.unlockWrite(later);
        });
    }

    @Test
    void readStampsAreOfOneLockHereAndOfAnyThere() {
        final long first = stamped.readLock();
        final long second = stamped.readLock();
        stamped.unlockRead(second);
        stamped.unlockRead(second); // ends the first one
        assertThat(stamped.isReadLocked()).isFalse();
        assertThat(first).isNotEqualTo(second);
        final long mine = region.lockShared();
        final long other = region.lockShared();
        region.unlockShared(other);
        assertThatThrownBy(() -> region.unlockShared(other)).isInstanceOf(IllegalMonitorStateException.class);
        region.unlockShared(mine);
    }

    @Test
    void aStampOfTheOtherModeMustBeRefused() throws Exception {
        same(lock -> {
            final long read = lock.read();
            assertThatThrownBy(() -> lock.unlockWrite(read)).isInstanceOf(IllegalMonitorStateException.class);
            lock.unlockRead(read);
            final long write = lock.write();
            assertThatThrownBy(() -> lock.unlockRead(write)).isInstanceOf(IllegalMonitorStateException.class);
            lock.unlockWrite(write);
        });
    }

    @Test
    void sharedAndExclusiveLocksBelongToTheirThread() throws Exception {
        final long read = stamped.readLock();
        Threads.run(() -> stamped.unlockRead(read));
        final long shared = region.lockShared();
        final long exclusiveOfOther = Threads.run(() -> {
            assertThatThrownBy(() -> region.unlockShared(shared)).isInstanceOf(IllegalMonitorStateException.class);
            return region.tryLockExclusive();
        });
        assertThat(exclusiveOfOther).isNotPositive();
        region.unlockShared(shared);
        readWrite.readLock().lock();
        Threads.run(() -> assertThatThrownBy(readWrite.readLock()::unlock)
            .isInstanceOf(IllegalMonitorStateException.class));
        readWrite.readLock().unlock();
    }

    @Test
    void countedLocksMustBeAnybodysAsReadLocksOfStampsAre() throws Exception {
        final long read = stamped.readLock();
        Threads.run(() -> stamped.unlockRead(read));
        final long counted = region.lockCounted();
        Threads.run(() -> region.unlockCounted(counted));
        final Hold hold = region.hold();
        Threads.run(hold::close);
        assertThat(hold.isHeld()).isFalse();
        assertThat(stamped.isReadLocked()).isFalse();
    }

    @Test
    void aGuardMustBeClosedTwiceWithoutHarmWhereAnUnlockIsRefused() {
        readWrite.readLock().lock();
        readWrite.readLock().unlock();
        assertThatThrownBy(() -> readWrite.readLock().unlock()).isInstanceOf(IllegalMonitorStateException.class);
        final Guard guard = region.share();
        guard.close();
        guard.close();
        assertThat(guard.isHeld()).isFalse();
    }

    // ------------------------------------------------------------------------------------------------- reentrancy

    @Test
    void readersMustBeReentrant() throws Exception {
        same(lock -> {
            final long outer = lock.read();
            final long inner = lock.tryRead();
            assertThat(inner).isPositive();
            lock.unlockRead(outer); // in any order
            Threads.run(() -> assertThat(lock.tryWrite()).isNotPositive());
            lock.unlockRead(inner);
        });
        readWrite.readLock().lock();
        assertThat(readWrite.readLock().tryLock()).isTrue();
        readWrite.readLock().unlock();
        readWrite.readLock().unlock();
    }

    @Test
    void aWriterMustNotBeReentrantAndSaysSoInsteadOfWaitingForItself() throws Exception {
        readWrite.writeLock().lock();
        assertThat(readWrite.writeLock().tryLock()).as("reentrant").isTrue();
        readWrite.writeLock().unlock();
        readWrite.writeLock().unlock();
        final long write = stamped.writeLock();
        assertThat(stamped.tryWriteLock(1, TimeUnit.MICROSECONDS)).as("would wait for itself for ever").isZero();
        stamped.unlockWrite(write);
        final long exclusive = region.lockExclusive();
        assertThatThrownBy(region::lockExclusive).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(Refusal.of(region.tryLockExclusive())).isEqualTo(Refusal.EXCLUSIVE);
        region.unlockExclusive(exclusive);
    }

    @Test
    void aWriterMustNotReadUnderItsOwnLockButByItsGuard() {
        readWrite.writeLock().lock();
        assertThat(readWrite.readLock().tryLock()).as("a writer reads").isTrue();
        readWrite.readLock().unlock();
        readWrite.writeLock().unlock();
        final long write = stamped.writeLock();
        assertThat(stamped.tryReadLock()).isZero();
        stamped.unlockWrite(write);
        try (Guard guard = region.exclusive()) {
            assertThat(guard.segment().byteSize()).isEqualTo(PAGE);
            assertThatThrownBy(region::share).isInstanceOf(IllegalMonitorStateException.class);
            assertThat(Refusal.of(region.tryLockShared())).isEqualTo(Refusal.EXCLUSIVE);
        }
    }

    @Test
    void aReaderThatWouldWriteMustGetAnExceptionAndNoDeadlock() throws Exception {
        readWrite.readLock().lock();
        assertThat(readWrite.writeLock().tryLock(1, TimeUnit.MICROSECONDS)).as("would wait for itself for ever").isFalse();
        readWrite.readLock().unlock();
        final long shared = region.lockShared();
        assertThatThrownBy(region::lockExclusive).isInstanceOf(IllegalMonitorStateException.class);
        region.unlockShared(shared);
    }

    @Test
    void readersInsideMustReenterAlthoughAWriterWaitsButNotHere() throws Exception {
        readWrite.readLock().lock();
        final Threads.Work<Boolean> writer = Threads.start(() -> {
            readWrite.writeLock().lock();
            readWrite.writeLock().unlock();
            return true;
        });
        while (!readWrite.hasQueuedThread(writer.thread())) {
            Thread.onSpinWait();
        }
        readWrite.readLock().lock();
        readWrite.readLock().unlock();
        readWrite.readLock().unlock();
        assertThat(writer.get()).isTrue();

        final long outer = region.lockShared();
        final Threads.Work<Long> exclusive = Threads.start(() -> region.lockExclusive());
        final Threads.Work<Boolean> ended = Threads.start(() -> {
            final long stamp = exclusive.get();
            return stamp > 0;
        });
        while (Refusal.EXCLUDED != refusalOf(region)) {
            Thread.onSpinWait();
        }
        assertThatThrownBy(region::lockShared).as("would wait for the writer that waits for it")
            .isInstanceOf(IllegalMonitorStateException.class);
        region.unlockShared(outer);
        assertThat(ended.get()).isTrue();
    }

    private static Refusal refusalOf(final Region region) {
        final long stamp = region.tryLockShared();
        if (stamp > 0) {
            region.unlockShared(stamp);
            return null;
        }
        return Refusal.of(stamp);
    }

    // ------------------------------------------------------------------------------------------------- conversions

    @Test
    void aReaderAloneMustBecomeTheWriter() throws Exception {
        same(lock -> {
            final long write = lock.toWrite(lock.read());
            assertThat(write).isPositive();
            Threads.run(() -> assertThat(lock.tryRead()).isNotPositive());
            lock.unlockWrite(write);
        });
    }

    @Test
    void aReaderAmongOthersMustStayOne() throws Exception {
        same(lock -> {
            final long mine = lock.read();
            final long other = lock.read();
            assertThat(lock.toWrite(mine)).isNotPositive();
            lock.unlockRead(mine);
            lock.unlockRead(other);
        });
    }

    @Test
    void anUpgradeMustBeOfferedThatTheReadWriteLockDoesNotHave() {
        readWrite.readLock().lock();
        assertThat(readWrite.writeLock().tryLock()).isFalse();
        readWrite.readLock().unlock();
        try (Guard guard = region.share()) {
            assertThat(guard.tryUpgrade()).isTrue();
            assertThat(guard.mode()).isEqualTo(Guard.Mode.EXCLUSIVE);
        }
    }

    @Test
    void aWriterMustBecomeAReaderWithNoWriterBetween() throws Exception {
        same(lock -> {
            final long read = lock.toRead(lock.write());
            assertThat(read).isPositive();
            Threads.run(() -> {
                assertThat(lock.tryWrite()).isNotPositive();
                final long theirs = lock.tryRead();
                assertThat(theirs).isPositive();
                lock.unlockRead(theirs);
            });
            lock.unlockRead(read);
        });
        readWrite.writeLock().lock();
        readWrite.readLock().lock();
        readWrite.writeLock().unlock();
        Threads.run(() -> assertThat(readWrite.writeLock().tryLock()).isFalse());
        readWrite.readLock().unlock();
    }

    @Test
    void aConversionToWhatItIsMustChangeNothing() throws Exception {
        same(lock -> {
            final long read = lock.read();
            assertThat(lock.toRead(read)).isEqualTo(read);
            lock.unlockRead(read);
            final long write = lock.write();
            assertThat(lock.toWrite(write)).isEqualTo(write);
            lock.unlockWrite(write);
        });
    }

    @Test
    void optimisticStampsConvertThereAndAreRefusedHere() {
        final long read = stamped.tryConvertToReadLock(stamped.tryOptimisticRead());
        assertThat(read).isNotZero();
        stamped.unlockRead(read);
        final long optimistic = region.tryOptimisticRead();
        assertThatThrownBy(() -> region.tryConvertToShared(optimistic)).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> region.tryConvertToExclusive(optimistic)).isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void whatIsNoStampIsRefusedByReturnThereAndByExceptionHere() {
        assertThat(stamped.tryConvertToWriteLock(0x1234_5600L)).isZero();
        assertThatThrownBy(() -> region.tryConvertToExclusive(0x1234_5600L))
            .isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void aSharedLockMustBecomeACountedOneWhereAllReadStampsAreAnybodys() throws Exception {
        final long read = stamped.readLock();
        Threads.run(() -> stamped.unlockRead(read));
        final long counted = region.tryConvertToCounted(region.lockShared());
        assertThat(counted).isPositive();
        Threads.run(() -> region.unlockCounted(counted));
    }

    // -------------------------------------------------------------------------------------------------- validation

    @Test
    void anOptimisticReadMustValidateUntilAWriterComes() throws Exception {
        same(lock -> {
            final long stamp = lock.optimistic();
            assertThat(lock.validate(stamp)).isTrue();
            final long read = lock.read();
            assertThat(lock.validate(stamp)).as("readers change nothing").isTrue();
            lock.unlockRead(read);
            final long write = lock.write();
            assertThat(lock.validate(stamp)).as("during").isFalse();
            lock.unlockWrite(write);
            assertThat(lock.validate(stamp)).as("after").isFalse();
        });
    }

    @Test
    void zeroMustNeverValidate() throws Exception {
        same(lock -> assertThat(lock.validate(0)).isFalse());
    }

    @Test
    void theStampOfALockMustValidateWhileItIsHeld() throws Exception {
        same(lock -> {
            final long read = lock.read();
            assertThat(lock.validate(read)).isTrue();
            lock.unlockRead(read);
            final long write = lock.write();
            assertThat(lock.validate(write)).isTrue();
            lock.unlockWrite(write);
            assertThat(lock.validate(write)).isFalse();
        });
    }

    @Test
    void theStampOfAReadLockValidatesAfterItsEndThereAndNotHere() {
        final long read = stamped.readLock();
        stamped.unlockRead(read);
        assertThat(stamped.validate(read)).isTrue();
        final long shared = region.lockShared();
        region.unlockShared(shared);
        assertThat(region.validate(shared)).isFalse();
    }

    @Test
    void theStampOfASharedLockIsNoOtherThreadsBusinessHere() throws Exception {
        final long read = stamped.readLock();
        final long shared = region.lockShared();
        Threads.run(() -> {
            assertThat(stamped.validate(read)).isTrue();
            assertThat(region.validate(shared)).isFalse();
        });
        stamped.unlockRead(read);
        region.unlockShared(shared);
    }

    // ------------------------------------------------------------------------------------------ timeouts, interrupts

    @Test
    void aZeroTimeoutMustNotWait() throws Exception {
        same(lock -> {
            final long free = lock.tryRead(0, TimeUnit.SECONDS);
            assertThat(free).as("granted where it is free").isPositive();
            Threads.run(() -> assertThat(lock.tryWrite(0, TimeUnit.SECONDS)).isNotPositive());
            Threads.run(() -> assertThat(lock.tryWrite(-1, TimeUnit.SECONDS)).isNotPositive());
            lock.unlockRead(free);
            final long write = lock.tryWrite(0, TimeUnit.SECONDS);
            assertThat(write).isPositive();
            Threads.run(() -> assertThat(lock.tryRead(0, TimeUnit.SECONDS)).isNotPositive());
            lock.unlockWrite(write);
        });
    }

    @Test
    void timeIsOverByReturnThereAndByExceptionHere() throws Exception {
        final long write = stamped.writeLock();
        Threads.run(() -> assertThat(stamped.tryReadLock(0, TimeUnit.SECONDS)).isZero());
        stamped.unlockWrite(write);
        final long exclusive = region.lockExclusive();
        Threads.run(() -> assertThatThrownBy(() -> region.lockShared(0, TimeUnit.SECONDS))
            .isInstanceOf(TimeoutException.class).hasMessageContaining("exclusive"));
        region.unlockExclusive(exclusive);
    }

    @Test
    void anInterruptBeforeMustEndATimedAcquireEvenOfAFreeLock() throws Exception {
        same(lock -> Threads.run(() -> {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> lock.tryRead(1, TimeUnit.DAYS)).isInstanceOf(InterruptedException.class);
            assertThat(Thread.currentThread().isInterrupted()).as("taken").isFalse();
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> lock.tryWrite(0, TimeUnit.DAYS)).isInstanceOf(InterruptedException.class);
        }));
    }

    @Test
    void anInterruptMustEndATimedWaitAndLeaveNoTrace() throws Exception {
        same(lock -> {
            final long write = lock.write();
            final Threads.Work<Boolean> waiting = Threads.start(() -> {
                assertThatThrownBy(() -> lock.tryWrite(1, TimeUnit.DAYS)).isInstanceOf(InterruptedException.class);
                return true;
            });
            waiting.thread().interrupt();
            assertThat(waiting.get()).isTrue();
            lock.unlockWrite(write);
            final long next = lock.tryWrite();
            assertThat(next).as("nothing is left of it").isPositive();
            lock.unlockWrite(next);
        });
    }

    @Test
    void formsWithoutATimeoutMustKeepTheInterrupt() throws Exception {
        same(lock -> Threads.run(() -> {
            Thread.currentThread().interrupt();
            lock.unlockRead(lock.read());
            lock.unlockWrite(lock.write());
            lock.unlockRead(lock.tryRead());
            assertThat(Thread.interrupted()).isTrue();
        }));
    }

    // ------------------------------------------------------------------------------------------ fairness, life, death

    @Test
    void aWaitingWriterMustTurnNewReadersAway() throws Exception {
        final long inside = region.lockShared();
        final Threads.Work<Boolean> writer = Threads.start(() -> {
            region.unlockExclusive(region.lockExclusive());
            return true;
        });
        Threads.run(() -> {
            while (refusalOf(region) != Refusal.EXCLUDED) {
                Thread.onSpinWait();
            }
        });
        region.unlockShared(inside);
        assertThat(writer.get()).isTrue();
        readWrite.readLock().lock();
        final Threads.Work<Boolean> queued = Threads.start(() -> {
            readWrite.writeLock().lock();
            readWrite.writeLock().unlock();
            return true;
        });
        while (!readWrite.hasQueuedThread(queued.thread())) {
            Thread.onSpinWait();
        }
        Threads.run(() -> {
            assertThat(readWrite.readLock().tryLock()).as("barges").isTrue();
            readWrite.readLock().unlock();
        });
        readWrite.readLock().unlock();
        assertThat(queued.get()).isTrue();
    }

    @Test
    void aLockOfADeadThreadIsHeldForEverThereAndEndedHere() throws Exception {
        Threads.run(() -> {
            stamped.writeLock();
            readWrite.writeLock().lock();
            region.lockExclusive();
        });
        assertThat(stamped.tryReadLock()).isZero();
        assertThat(readWrite.readLock().tryLock()).isFalse();
        final long shared = region.lockShared();
        region.unlockShared(shared);
    }

    @Test
    void anUnmapMustRefuseForGoodWhereALockOfTheJdkHasNoEnd() throws Exception {
        final long stamp = region.tryOptimisticRead();
        region.unmap();
        assertThatThrownBy(region::lockShared).isInstanceOf(RegionException.class);
        assertThat(Refusal.of(region.tryLockExclusive())).isEqualTo(Refusal.DETACHED);
        assertThat(region.validate(stamp)).isFalse();
        assertThat(region.tryOptimisticRead()).isZero();
        assertThat(inside(region).record()).isNotZero();
    }
}
