// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.fuzz;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.ReadSection;
import io.holdfast.Region;
import io.holdfast.RegionCursor;
import io.holdfast.SpaceSnapshot;
import io.holdfast.WriteSection;
import io.holdfast.epoch.Ledger;
import io.holdfast.lock.LockOrder;
import io.holdfast.stress.torture.Leaks;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Calls the public API at random, by reflection, so that new methods take part by themselves: any arguments, any order,
 * any object that was ever open, and another thread. Fails on an exception that is not documented, a call that does not
 * return, and anything left; a crash of the process is for its parent to see.
 *
 * <p>{@code java -cp stress/target/jcstress.jar io.holdfast.stress.fuzz.ApiFuzz --seconds 60}
 */
@Command(name = "api-fuzz", mixinStandardHelpOptions = true,
    description = "Calls the public API at random. Exit code 0 if every call did what is documented.")
public final class ApiFuzz implements Callable<Integer> {
    /** Capacity of the spaces; small enough to be filled. */
    static final long CAPACITY = 64L << 20;
    private static final int STEPS = 600;
    private static final int MOST_SPACES = 6;
    private static final long OTHER_THREAD_MS = 20;
    private static final long HANG_SECONDS = 30;
    private static final Class<?>[] TYPES = {AddressSpace.class, AddressSpace.Builder.class, Region.class, Guard.class,
        Hold.class, Hold.View.class, Lease.class, Pin.class, WriteSection.class, ReadSection.class, SpaceSnapshot.class,
        RegionCursor.class, MapRequest.class, FileBacking.class};

    /** May wait for a counted hold, also one of the caller's own, as documented. */
    private static final Set<String> MAY_WAIT_FOR_HOLDS = Set.of("exclusive", "lockExclusive", "unmap", "unmapAsync",
        "unmapIfMapped", "split", "merge", "trimHead", "trimTail", "protect", "truncate", "remap", "discard", "punchHole",
        "close",
        "share", "shareWritable", "lockShared", "lease", "sharedSegment", "read", "lockCounted", "hold",
        "exclude", "move", "resize", "map", "write", "grow");

    @Option(names = "--seconds", description = "How long to call (${DEFAULT-VALUE}).")
    private long seconds = 60;

    @Option(names = "--seed", description = "Of all choices.")
    private long seed = System.nanoTime();

    @Option(names = "--sources", description = "Sources of the library, for what may be thrown (${DEFAULT-VALUE}).")
    private Path sources = Path.of("core/src/main/java");

    private final Map<String, Integer> outcomes = new TreeMap<>();
    private final Map<String, AssertionError> undocumented = new ConcurrentSkipListMap<>();
    private final Map<Class<?>, List<Method>> methods = new HashMap<>();
    private volatile String doing = "";
    private volatile long since = System.nanoTime();

    /** No settings but the defaults. */
    public ApiFuzz() {
    }

    /** The program. */
    public static void main(final String[] args) {
        System.exit(new CommandLine(new ApiFuzz()).execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        final Contracts contracts = new Contracts(sources);
        for (final Class<?> type : TYPES) {
            methods.put(type, Arrays.stream(type.getMethods()).filter(ApiFuzz::isCalled)
                .sorted(Comparator.comparing(Method::toGenericString)).toList());
        }
        watch();
        final long begin = System.nanoTime();
        int episodes = 0;
        for (long number = seed; System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(seconds); number++) {
            final Path directory = Files.createTempDirectory("fuzz");
            try {
                new Episode(number, directory, contracts).run();
                episodes++;
            } catch (final AssertionError e) {
                System.out.println("seed of the episode=" + number);
                e.printStackTrace(System.out);
                return 1;
            } finally {
                delete(directory);
            }
        }
        outcomes.forEach((outcome, count) -> System.out.printf("%8d %s%n", count, outcome));
        if (!undocumented.isEmpty()) {
            undocumented.values().forEach(error -> error.printStackTrace(System.out));
            System.out.println("FAILED, not documented: " + undocumented.keySet());
            return 1;
        }
        System.out.printf("passed: episodes=%d, steps each=%d, seed=%d%n", episodes, STEPS, seed);
        return 0;
    }

    private static boolean isCalled(final Method method) {
        // Inherited from types that are not public, methods are bridges. Eras that end after a century are waited for.
        return method.getDeclaringClass() != Object.class && Modifier.isPublic(method.getDeclaringClass().getModifiers()) &&
            !method.getName().equals("eras");
    }

    private void watch() {
        Thread.ofPlatform().daemon(true).name("watchdog").start(() -> {
            while (System.nanoTime() - since < TimeUnit.SECONDS.toNanos(HANG_SECONDS)) {
                LockSupport.parkNanos(100_000_000);
            }
            System.out.println("hangs: " + doing);
            Thread.getAllStackTraces().forEach((thread, frames) -> {
                System.out.println(thread);
                Arrays.stream(frames).forEach(frame -> System.out.println("    at " + frame));
            });
            System.out.flush();
            Runtime.getRuntime().halt(2);
        });
    }

    private static void delete(final Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (final Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }

    /** Some hundred calls on a space of its own, after which nothing may be left. */
    private final class Episode {
        private final long number;
        private final Path directory;
        private final Contracts contracts;
        private final SplittableRandom random;
        private final Pool pool;
        private final Values values;
        private final List<AddressSpace> spaces = new ArrayList<>();
        private final List<MemorySegment> stale = new ArrayList<>();

        Episode(final long number, final Path directory, final Contracts contracts) {
            this.number = number;
            this.directory = directory;
            this.contracts = contracts;
            this.random = new SplittableRandom(number);
            this.pool = new Pool(random);
            this.values = new Values(random, pool, directory);
        }

        void run() throws IOException, InterruptedException {
            Files.write(directory.resolve("file"), new byte[3 * 4096 + 100]);
            begin();
            final Map<AddressSpace, Leaks> leaks = new HashMap<>();
            for (int i = 0; i < STEPS; i++) {
                since = System.nanoTime();
                step();
                for (final AddressSpace space : spaces) {
                    leaks.computeIfAbsent(space, open -> new Leaks(open, directory, () -> 0));
                }
            }
            doing = "end of episode " + number;
            Thread.interrupted();
            pool.endAll();
            LockOrder.forgetAll(); // a cycle that the calls made is refused, and must not keep a space from its end
            spaces.stream().filter(AddressSpace::isOpen).forEach(Leaks::checkInvariants);
            spaces.forEach(Episode::finish);
            for (final Leaks leak : leaks.values()) {
                leak.check();
            }
            for (final Ledger.Entry held : Ledger.open()) {
                throw new AssertionError("held by nobody any more, says debug mode: " + held, held);
            }
        }

        private void begin() {
            final AddressSpace space = AddressSpace.builder().capacity(CAPACITY).name("fuzz-" + number).open();
            keep(space);
            pool.add(AddressSpace.builder().capacity(CAPACITY));
            pool.add(space.map(3 * 4096));
            pool.add(space.map(MapRequest.anonymous(5000).growableTo(1 << 20).named("growable")));
            pool.add(space.map(FileBacking.readWrite(directory.resolve("file"))));
            pool.add(FileBacking.readOnly(directory.resolve("file")));
            pool.add(FileBacking.copyOnWrite(directory.resolve("file")).range(100, 5000));
            pool.add(FileBacking.readWrite(directory.resolve("fresh")).range(0, 5000).growableTo(1 << 16));
            pool.add(MapRequest.anonymous(4096));
        }

        /** A space that is larger than memory is closed at once: to populate it is allowed, and the end of the machine. */
        private void keep(final AddressSpace space) {
            if (space.capacity() > CAPACITY) {
                space.close();
                return;
            }
            spaces.add(space);
            pool.add(space);
        }

        private void step() throws InterruptedException {
            switch (random.nextInt(16)) {
                case 0 -> readStale();
                case 1 -> elsewhere();
                case 2 -> interruptedly();
                default -> {
                    if (pool.hasManyOpen()) {
                        pool.endAll();
                    }
                    callAny(false);
                }
            }
        }

        /** What an optimistic segment gives may be anything, and is no crash. */
        private void readStale() {
            for (final MemorySegment segment : stale) {
                if (segment.byteSize() > 0) {
                    doing = "read of " + segment;
                    segment.get(ValueLayout.JAVA_BYTE, random.nextLong(segment.byteSize()));
                }
            }
        }

        private void interruptedly() {
            Thread.currentThread().interrupt();
            try {
                callAny(false);
            } finally {
                Thread.interrupted();
            }
        }

        /** A call by another thread, which may have to wait until this one has ended what it holds. */
        private void elsewhere() throws InterruptedException {
            final Throwable[] failure = new Throwable[1];
            final Thread other = Thread.ofPlatform().daemon(true).name("other").start(() -> {
                try {
                    callAny(true);
                } catch (final Throwable e) {
                    failure[0] = e;
                }
            });
            other.join(OTHER_THREAD_MS);
            if (other.isAlive()) {
                pool.endAll();
                other.join();
            }
            if (failure[0] != null) {
                throw new AssertionError("by another thread", failure[0]);
            }
        }

        private void callAny(final boolean byOther) {
            final Class<?> type = TYPES[random.nextInt(TYPES.length)];
            final List<Method> candidates = Objects.requireNonNull(methods.get(type));
            final Method method = candidates.get(random.nextInt(candidates.size()));
            final Object receiver = pool.any(type);
            if (receiver == null && !Modifier.isStatic(method.getModifiers()) || isTooMany(method)) {
                return;
            }
            final Object[] arguments = Arrays.stream(method.getParameterTypes()).map(values::of).toArray();
            if (!byOther && MAY_WAIT_FOR_HOLDS.contains(method.getName())) {
                pool.endHolds();
            }
            call(method, receiver, arguments, byOther);
        }

        private boolean isTooMany(final Method method) {
            return method.getName().equals("open") && spaces.size() >= MOST_SPACES;
        }

        private void call(final Method method, final @Nullable Object receiver, final @Nullable Object[] arguments,
                          final boolean byOther) {
            final String name = method.getDeclaringClass().getSimpleName() + "." + method.getName();
            doing = name + Arrays.toString(arguments) + " on " + receiver;
            try {
                keep(method, receiver, method.invoke(receiver, arguments), byOther);
                count(name + ": returned");
            } catch (final InvocationTargetException e) {
                final Throwable thrown = Objects.requireNonNull(e.getCause());
                // Compiled code throws one for null that says nothing, to save time.
                final boolean isForNull = thrown instanceof NullPointerException && Arrays.asList(arguments).contains(null);
                if (!isForNull && !contracts.allows(method, thrown)) {
                    undocumented.putIfAbsent(name + ": " + thrown.getClass().getName(),
                        new AssertionError("not documented: " + doing + ", episode=" + number, thrown));
                }
                if (!isForNull && thrown.getMessage() == null) {
                    undocumented.putIfAbsent(name + ": " + thrown.getClass().getName() + " without a message",
                        new AssertionError("an exception that says nothing: " + doing + ", episode=" + number, thrown));
                }
                count(name + ": " + thrown.getClass().getSimpleName());
            } catch (final IllegalAccessException e) {
                throw new AssertionError("not public: " + method, e);
            }
        }

        private void count(final String outcome) {
            synchronized (outcomes) {
                outcomes.merge(outcome, 1, Integer::sum);
            }
        }

        /** Keeps what a call gave; another thread ends at once what it alone could end. */
        private void keep(final Method method, final @Nullable Object receiver, final @Nullable Object result,
                          final boolean byOther) {
            if (receiver instanceof final Region region && result instanceof final Long value && value > 0 &&
                isLocking(method.getName())) {
                final Pool.Stamp stamp = new Pool.Stamp(region, value, method.getName());
                if (byOther) {
                    stamp.release();
                } else {
                    pool.add(stamp);
                }
            } else if (result instanceof final AddressSpace space && spaces.contains(space)) {
                return; // the space of a region or a section, and no new one
            } else if (byOther) {
                if (result instanceof final AutoCloseable closeable) {
                    close(closeable);
                }
            } else if (result instanceof final AddressSpace space) {
                keep(space);
            } else {
                if (method.getName().equals("optimisticSegment") && result instanceof final MemorySegment segment) {
                    stale.add(segment);
                }
                pool.add(result);
            }
        }

        /** Whether a method takes a lock, or turns one into another. */
        private static boolean isLocking(final String name) {
            return name.contains("ock") && !name.startsWith("un") || name.startsWith("tryConvertTo");
        }

        /** Closes a space, also one whose close was begun and gave up. */
        private static void finish(final AddressSpace space) {
            try {
                space.close();
            } catch (final IllegalStateException e) {
                return; // some call has closed it to the end
            }
        }

        private static void close(final AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (final Exception e) {
                throw new AssertionError("close failed: " + closeable, e);
            }
        }
    }
}
