// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import io.holdfast.space.OperationTable.Operation;
import java.nio.file.FileSystemException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every public operation, refused by the system, by a limit, because all is gone, and because its thread would wait for
 * itself: the message names the operation that was called, and the region, file or space that it was called for (G10). A
 * new operation has its row in {@link OperationTable}.
 */
class RefusalMessagesTest extends SpaceFixture {
    /** Names the stamp, which says whose it is. */
    private static final String END = "end of an exclusive lock";

    /** By what names messages know a method, where it is not its own: its family's, or that of the step that is refused. */
    private static final Map<String, Set<String>> NAMES = Map.of("mapFile", Set.of("map"), "tryMap", Set.of("map"),
        "unmapIfMapped", Set.of("unmap"), "lockExclusive", Set.of("exclusive"), "tryLockExclusive",
        Set.of(END), "tryConvertToExclusive", Set.of("share"), "tryUpgrade", Set.of("share", "unmap"),
        "close", Set.of("map", "split", "unmap"));

    /** What is refused when a section begins, or is published, and what the rows do before: exclude, ask for the size. */
    private static final Set<String> OF_SECTIONS = Set.of("section", "publish", "exclude", "size");

    /** Calls that fail on account of addresses, and not of a file. */
    private static final Set<NativeCall> OF_MEMORY = Set.of(NativeCall.MMAP, NativeCall.MREMAP, NativeCall.MPROTECT,
        NativeCall.MADVISE, NativeCall.MLOCK, NativeCall.MUNLOCK, NativeCall.MINCORE, NativeCall.MSYNC);

    /** Calls that fail on account of a file. */
    private static final Set<NativeCall> OF_FILES = Set.of(NativeCall.OPEN, NativeCall.STATX, NativeCall.FALLOCATE,
        NativeCall.FTRUNCATE);

    /** A thread that would wait for itself is refused by the lock that a change takes first. */
    private static final String PINNED = "pinned";

    /** These refuse whatever is asked of the space. */
    private static final Set<String> OF_THE_SPACE = Set.of("maxRegions", "maxBytes", "closed");

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final List<String> wrong = new ArrayList<>();

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).capacity(256L << 20).startReclaimer(false);
    }

    static Stream<Operation> operations() {
        return OperationTable.all().stream();
    }

    private OperationTable.World world() {
        return new OperationTable.World(space, directory);
    }

    private void run(final Operation operation, final List<Region> regions, final String reason) {
        try {
            operation.body().run(world(), regions);
        } catch (final Throwable e) {
            final String message = e.getCause() instanceof final FileSystemException file &&
                file.getMessage().equals(e.getMessage()) ? file.getReason() + ", path=" + file.getFile()
                : String.valueOf(e.getMessage());
            if (!namesOperation(message, operation, reason) || !namesSubject(message, operation, regions, reason)) {
                wrong.add(reason + ": " + operation + ": " + message);
            }
        }
    }

    private static boolean isOfSection(final Operation operation) {
        return operation.method().contains("Section.") || operation.method().endsWith("rite");
    }

    private static boolean namesOperation(final String message, final Operation operation, final String reason) {
        final String method = operation.method().substring(operation.method().indexOf('.') + 1);
        final Set<String> names = new HashSet<>(NAMES.getOrDefault(method, Set.of(method)));
        names.add(method);
        if (isOfSection(operation)) {
            names.addAll(OF_SECTIONS);
        }
        if (reason.equals(PINNED)) {
            names.add("exclusive");
        }
        return names.stream().anyMatch(name -> Pattern.compile("^" + name + "\\b").matcher(message).find());
    }

    private boolean namesSubject(final String message, final Operation operation, final List<Region> regions,
                                 final String reason) {
        final List<String> subjects = new ArrayList<>(List.of("path=" + directory.resolve("data")));
        regions.forEach(region -> subjects.add("region=0x" + Long.toHexString(region.address()) + " of test"));
        if (regions.isEmpty() || OF_THE_SPACE.contains(reason) || operation.method().startsWith("AddressSpace.")) {
            subjects.addAll(List.of("space=test", "space test", "of test", "name=test"));
        }
        if (message.startsWith(END)) {
            subjects.add("stamp=0x");
        }
        if (isOfSection(operation)) {
            subjects.addAll(List.of("space=test", "space test", "of test", "name=test", "start=0x"));
        }
        return subjects.stream().anyMatch(message::contains);
    }

    private void end(final Operation operation) {
        assertThat(wrong).as("messages of %s", operation).isEmpty();
    }

    private void finish() throws Exception {
        for (int i = 0; i < 100 && space.statistics().backlogUnmaps() != 0; i++) {
            space.reclaimer().doWork();
        }
        for (final RegionInfo info : space.maps()) {
            final Region region;
            try (Pin pin = space.pin()) {
                region = Objects.requireNonNull(pin.find(info.address()));
            }
            region.unmap();
        }
    }

    private List<Region> setUp(final Operation operation) {
        return operation.world().apply(world());
    }

    @ParameterizedTest
    @MethodSource("operations")
    void theSystemsRefusalMustNameTheOperation(final Operation operation) throws Exception {
        refuse(operation, OF_MEMORY, Errno.ENOMEM);
    }

    @ParameterizedTest
    @MethodSource("operations")
    void theFileSystemsRefusalMustNameTheOperation(final Operation operation) throws Exception {
        refuse(operation, OF_FILES, Errno.EIO);
    }

    private void refuse(final Operation operation, final Set<NativeCall> calls, final int errno) throws Exception {
        for (int n = 1;; n++) {
            final List<Region> regions = setUp(operation);
            final long faults = memory.faults();
            memory.arm(call -> calls.contains(call.kind()), n, n, errno, Damage.NONE);
            run(operation, regions, Errno.name(errno) + " of call " + n);
            memory.disarm();
            inside(space).core().quarantine().retry();
            finish();
            if (memory.faults() == faults) {
                break;
            }
        }
        end(operation);
    }

    @ParameterizedTest
    @MethodSource("operations")
    void aRegionOrSpaceThatIsGoneMustBeRefusedByTheOperationsName(final Operation operation) throws Exception {
        final List<Region> regions = setUp(operation);
        regions.forEach(Region::unmap);
        if (!regions.isEmpty() && !operation.method().startsWith("AddressSpace.")) {
            run(operation, regions, "gone");
        }
        finish();
        space.close();
        run(operation, regions, "closed");
        end(operation);
    }

    @ParameterizedTest
    @MethodSource("operations")
    void aThreadThatWouldWaitForItselfMustHearOfTheOperation(final Operation operation) throws Exception {
        final List<Region> regions = setUp(operation);
        try (Pin _ = space.pin()) {
            run(operation, regions, PINNED);
        }
        finish();
        end(operation);
    }

    @ParameterizedTest
    @MethodSource("operations")
    void aLimitMustNameTheOperation(final Operation operation) throws Exception {
        setUp(operation);
        final long regions = space.statistics().regions();
        final long bytes = space.statistics().mappedBytes();
        finish();
        space.close();
        for (final boolean ofBytes : new boolean[] {false, true}) {
            final AddressSpace.Builder builder = configure(AddressSpace.builder().name("test").idleStrategy(idle));
            space = (ofBytes ? builder.maxBytes(bytes + PAGE) : builder.maxRegions(regions + 1)).open();
            space.map(MapRequest.anonymous(PAGE).at(space.capacity() - PAGE)); // the limit is reached by the others
            try {
                run(operation, setUp(operation), ofBytes ? "maxBytes" : "maxRegions");
            } catch (final MappingException e) {
                assertThat(operation.variant()).as("what needs more to begin with").contains("idle");
            }
            finish();
            space.close();
        }
        end(operation);
    }
}
