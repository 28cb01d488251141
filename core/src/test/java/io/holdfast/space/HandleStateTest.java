// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Advice;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.ReadSection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionCursor;
import io.holdfast.RegionException;
import io.holdfast.SpaceSnapshot;
import io.holdfast.WriteSection;
import io.holdfast.epoch.Ledger;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every public method of everything that can be over, called when it is over (G10): handles of regions that were unmapped
 * or moved, or whose record is another region's by now, closed spaces, guards, holds, views, pins, snapshots and
 * sections. A method is refused unless it is named here as one that answers, so a new one cannot be forgotten.
 */
class HandleStateTest extends SpaceFixture {
    private static final long SIZE = 4 * PAGE;

    /** Methods of a region that say something whatever has become of it. */
    private static final Set<String> ANSWERS = Set.of("address", "unsafeNativeAddress", "unmapIfMapped",
        "isMapped", "isWritable", "space", "tryOptimisticRead",
        "validate", "optimisticSegment", "toString", "hashCode", "equals", "assertUnmapped");

    private static final Set<String> ASSERTIONS = Set.of("assertLocked", "assertExclusive", "assertStable",
        "assertMapped");

    /** Methods that give what is not held, with the reason. */
    private static final Set<String> TRIES = Set.of("tryShare", "tryShareWritable", "tryExclusive", "tryHold",
        "tryLockShared", "tryLockCounted", "tryLockExclusive");

    private static final Set<String> ENDS = Set.of("unlockShared", "unlockCounted", "unlockExclusive", "tryConvertToShared",
        "tryConvertToCounted", "tryConvertToExclusive");

    /** Methods of a space that say something of a closed one. */
    private static final Set<String> ANSWERS_OF_SPACE = Set.of("statistics", "name", "capacity", "barrier", "isOpen",
        "toString", "reclaimer", "mappingHeadroom", "pendingUnmaps");

    private @Nullable Region other;

    /** What has become of a region. */
    enum State { UNMAPPED, MOVED, MOVED_LONG_AGO, REUSED, CLOSED }

    private static List<Method> methods(final Class<?> type) {
        return Arrays.stream(type.getMethods())
            .filter(method -> !Modifier.isStatic(method.getModifiers()) && method.getDeclaringClass() != Object.class)
            .sorted(Comparator.comparing(Method::toString)).toList();
    }

    static Stream<Arguments> methodsOfRegions() {
        return Arrays.stream(State.values())
            .flatMap(state -> methods(Region.class).stream().map(method -> Arguments.of(state, method)));
    }

    static Stream<Method> methodsOfSpaces() {
        return methods(AddressSpace.class).stream();
    }

    private Object argument(final Class<?> type, final long number) {
        if (type == long.class) {
            return number * PAGE;
        }
        final List<Object> values = new ArrayList<>(List.of(1, TimeUnit.MILLISECONDS, Advice.NORMAL, Protection.READ_ONLY,
            MemorySegment.ofArray(new byte[(int) (8 * PAGE)]), MapRequest.anonymous(PAGE),
            FileBacking.readOnly(directory.resolve("data")), (Function<Object, Object>) segment -> 1,
            (Predicate<Object>) info -> true));
        if (other != null) {
            values.addFirst(other);
            values.add(List.of(other));
        }
        return values.stream().filter(value -> type.isInstance(value) || type == int.class && value instanceof Integer)
            .findFirst().orElseThrow(() -> new AssertionError("a method with another type of argument: " + type));
    }

    private @Nullable Object call(final Method method, final Object target) throws Throwable {
        long number = 0;
        final List<Object> arguments = new ArrayList<>();
        for (final Class<?> type : method.getParameterTypes()) {
            number += type == long.class ? 1 : 0;
            arguments.add(argument(type, number));
        }
        method.setAccessible(true);
        try {
            return method.invoke(target, arguments.toArray());
        } catch (final InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private Region regionIn(final State state) {
        final Region region = space.map(SIZE);
        put(region, 0, 42);
        other = space.map(SIZE);
        switch (state) {
            case UNMAPPED -> region.unmap();
            case MOVED -> region.split(PAGE);
            case MOVED_LONG_AGO -> {
                region.split(PAGE);
                Resources.settle(space);
            }
            case REUSED -> {
                region.unmap();
                other = mapInRecordOf(region, SIZE);
                put(other, 0, 43);
            }
            case CLOSED -> space.close();
        }
        return region;
    }

    @ParameterizedTest
    @MethodSource("methodsOfRegions")
    void aHandleOfARegionThatIsGoneMustSaySoAndTouchNothing(final State state, final Method method) throws Throwable {
        file("data", 100);
        final Region region = regionIn(state);
        // A picture waits until records can be used again, and a region is known to have moved until then.
        final SpacePicture before = state == State.CLOSED || state == State.MOVED ? null
            : SpacePicture.of(space, directory);
        final String name = method.getName();
        if (ANSWERS.contains(name)) {
            checkAnswer(name, call(method, region), region);
        } else if (TRIES.contains(name)) {
            assertThat(refusal(call(method, region))).isEqualTo(expected(state));
        } else if (ASSERTIONS.contains(name) || ENDS.contains(name)) {
            assertMonitorState(method, region);
        } else {
            assertThatThrownBy(() -> call(method, region)).isInstanceOf(RegionException.class)
                .hasMessageMatching("(?s)\\w+ refused: reason=(DETACHED|MOVED), .*")
                .hasMessageContainingAll("region=0x" + Long.toHexString(region.address()) + " of test",
                    "handle incarnation=" + inside(region).incarnation(), "attached=", "look it up again")
                .satisfies(e -> assertThat(((RegionException) e).refusal()).isEqualTo(expected(state)));
        }
        if (before != null) {
            assertThat(SpacePicture.of(space, directory)).as("what others have").isEqualTo(before);
        }
    }

    private void assertMonitorState(final Method method, final Region region) throws Throwable {
        if (ASSERTIONS.contains(method.getName()) && !Ledger.ENABLED) {
            assertThat(call(method, region)).isNull();
            return;
        }
        assertThatThrownBy(() -> call(method, region)).isInstanceOf(IllegalMonitorStateException.class);
    }

    /** The reason; once a record may be another region's, its handles know no more than that theirs is gone. */
    private static Refusal expected(final State state) {
        return state == State.MOVED ? Refusal.MOVED : Refusal.DETACHED;
    }

    private static Refusal refusal(final @Nullable Object result) {
        if (result instanceof final Guard guard) {
            assertThat(guard.isHeld()).isFalse();
            guard.close();
            return guard.refusal();
        }
        if (result instanceof final Hold hold) {
            assertThat(hold.isHeld()).isFalse();
            hold.close();
            return hold.refusal();
        }
        return Refusal.of((Long) result);
    }

    private void checkAnswer(final String name, final @Nullable Object answer, final Region region) {
        switch (name) {
            case "isMapped", "validate", "equals", "unmapIfMapped" -> assertThat(answer).isEqualTo(false);
            case "isWritable" -> assertThat(answer).isEqualTo(true);
            case "tryOptimisticRead" -> assertThat(answer).isEqualTo(0L);
            case "space" -> assertThat(answer).isSameAs(space);
            case "optimisticSegment" -> {
                final MemorySegment segment = (MemorySegment) answer;
                assertThat(segment.byteSize()).isEqualTo(SIZE);
                assertThat(segment.isReadOnly()).isTrue();
                assertThat(segment.get(JAVA_BYTE, SIZE - 1)).isZero();
            }
            case "toString" -> assertThat((String) answer).contains("0x" + Long.toHexString(region.address()));
            case "assertUnmapped" -> assertThat(answer).isNull();
            default -> assertThat(answer).isNotNull();
        }
    }

    @ParameterizedTest
    @MethodSource("methodsOfSpaces")
    void aClosedSpaceMustSaySo(final Method method) throws Throwable {
        file("data", 100);
        other = space.map(PAGE);
        space.close();
        if (ANSWERS_OF_SPACE.contains(method.getName())) {
            assertThat(call(method, space)).isNotNull();
        } else {
            assertThatThrownBy(() -> call(method, space)).isInstanceOf(IllegalStateException.class)
                .hasMessageMatching("\\w+ (in|of) a closed address space: name=test");
        }
        assertThat(space.isOpen()).isFalse();
        assertNothingLeft(space, directory);
    }

    /** Something that is over, and which of its methods say something all the same. */
    private record Over(String name, Object target, Set<String> answers) {
        Over(final String name, final Object target, final String... answers) {
            this(name, target, Set.of(answers));
        }
    }

    private List<Over> everythingThatIsOver() {
        final Region region = space.map(PAGE);
        final Region gone = space.map(PAGE);
        gone.unmap();
        final Guard guard = region.shareWritable();
        guard.close();
        final Guard exclusive = region.exclusive();
        exclusive.close();
        final Guard turned = region.share();
        turned.toHold().close();
        final Hold hold = region.hold();
        final Hold.View view = hold.view();
        view.close();
        hold.close();
        final Pin pin = space.pin();
        pin.close();
        final SpaceSnapshot snapshot = space.snapshot();
        snapshot.close();
        final WriteSection published = space.write();
        published.publish();
        published.close();
        final WriteSection section = space.write();
        section.close();
        final ReadSection reading = space.read(0, PAGE);
        reading.close();
        return List.of(
            new Over("closed guard", guard, "isHeld", "region", "mode", "toString", "segment", "close"),
            new Over("closed exclusive guard", exclusive, "isHeld", "region", "mode", "toString", "segment", "close"),
            new Over("guard that became a hold", turned, "isHeld", "region", "mode", "toString", "close"),
            new Over("refused guard", gone.tryShare(), "isHeld", "region", "mode", "toString", "refusal", "close"),
            new Over("released hold", hold, "isHeld", "region", "toString", "close"),
            new Over("refused hold", gone.tryHold(), "isHeld", "region", "toString", "refusal", "close"),
            new Over("closed view", view, "segment", "close"), new Over("closed pin", pin, "close"),
            new Over("closed snapshot", snapshot, "close"),
            new Over("closed section", section, "space", "isOpen", "toString", "close"),
            new Over("section closed after its publication", published, "space", "isOpen", "toString", "close"),
            new Over("closed read section", reading, "space", "isOpen", "toString", "close"));
    }

    @Test
    void whatIsOverMustRefuseEverything() throws Throwable {
        file("data", 100);
        final List<Over> all = everythingThatIsOver();
        other = space.map(SIZE);
        final SpacePicture before = SpacePicture.of(space, directory);
        for (final Over over : all) {
            for (final Method method : methods(over.target.getClass())) {
                final String what = over.name + ": " + method;
                if (over.answers.contains(method.getName())) {
                    final Object answer = call(method, over.target);
                    if (method.getName().startsWith("is")) {
                        assertThat(answer).as(what).isEqualTo(false);
                    }
                    if (answer instanceof final MemorySegment segment) {
                        assertThatThrownBy(() -> segment.get(JAVA_BYTE, 0)).as(what)
                            .isInstanceOf(IllegalStateException.class);
                    }
                } else {
                    assertThatThrownBy(() -> call(method, over.target)).as(what)
                        .isInstanceOf(IllegalStateException.class).hasMessageMatching("(?s).{15,}");
                }
                assertThat(SpacePicture.of(space, directory)).as(what).isEqualTo(before);
            }
        }
    }

    @Test
    void aCursorMustStopWithItsSpace() throws Throwable {
        other = space.map(PAGE);
        final RegionCursor cursor = space.cursor();
        assertThat(cursor.next()).isEqualTo(other);
        space.close();
        for (final Method method : methods(RegionCursor.class)) {
            if (Set.of("seek", "position").contains(method.getName())) {
                assertThat(call(method, cursor)).isNotNull();
            } else {
                assertThatThrownBy(() -> call(method, cursor)).isInstanceOf(IllegalStateException.class)
                    .hasMessage("cursor in a closed address space: name=test");
            }
        }
    }

    /** A test of the tests: the lists above name methods that exist. */
    @Test
    void namesOfMethodsMustBeThoseOfMethods() {
        final Set<String> ofRegions = Set.copyOf(methods(Region.class).stream().map(Method::getName).toList());
        assertThat(ofRegions).containsAll(ANSWERS).containsAll(ASSERTIONS).containsAll(TRIES).containsAll(ENDS);
        assertThat(methods(AddressSpace.class).stream().map(Method::getName)).containsAll(ANSWERS_OF_SPACE);
    }
}
