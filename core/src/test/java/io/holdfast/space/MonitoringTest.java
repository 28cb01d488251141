// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.AddressSpaceMXBean;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.management.JMX;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import org.agrona.concurrent.Agent;
import org.junit.jupiter.api.Test;

/** What monitoring tools see of spaces, and how long. */
class MonitoringTest extends SpaceFixture {
    private static final MBeanServer SERVER = ManagementFactory.getPlatformMBeanServer();

    private static Set<String> names(final String space) throws Exception {
        return SERVER.queryNames(new ObjectName("io.holdfast:type=AddressSpace,name=" + space + ",*"), null).stream()
            .map(ObjectName::getCanonicalName).collect(Collectors.toSet());
    }

    /** The bean of the space of the fixture, which is registered some time after the space is opened. */
    private static AddressSpaceMXBean bean(final String space) throws Exception {
        final ObjectName name = new ObjectName("io.holdfast:type=AddressSpace,name=" + space);
        while (!SERVER.isRegistered(name)) {
            Thread.onSpinWait();
        }
        return JMX.newMXBeanProxy(SERVER, name, AddressSpaceMXBean.class);
    }

    private static AddressSpace open(final String name) {
        return AddressSpace.builder().capacity(16 << 20).name(name).open();
    }

    @Test
    void anOpenSpaceMustBeSeenAndAClosedOneMustNot() throws Exception {
        final Region region = space.map(MapRequest.anonymous(3 * PAGE).named("index"));
        final AddressSpaceMXBean bean = bean("test");

        assertThat(bean.getName()).isEqualTo("test");
        assertThat(bean.isOpen()).isTrue();
        assertThat(bean.getCapacity()).isEqualTo(space.capacity());
        assertThat(bean.getBarrier()).isEqualTo(space.barrier().name());
        assertThat(bean.getStatistics().regions()).isEqualTo(1);
        assertThat(bean.getStatistics().named()).hasSize(1)
            .allMatch(named -> named.name().equals("index") && named.regions() == 1 && named.bytes() == 3 * PAGE);
        assertThat(bean.getMappingHeadroom()).isPositive();
        region.unmap();
        space.close();
        assertThat(names("test")).isEmpty();
    }

    @Test
    void aServerThatDidNotStartForWantOfMemoryMustStartWithTheNextSpace() throws Exception {
        final Children.Outcome outcome = Children.run(LateServerProgram.class, List.of());
        assertThat(outcome.output()).contains("2 of 2 spaces, failed true, open true");
    }

    @Test
    void toolsWithoutTheLibraryMustSeeOpenData() throws Exception {
        bean("test");
        final CompositeData statistics = (CompositeData) SERVER.getAttribute(
            new ObjectName("io.holdfast:type=AddressSpace,name=test"), "Statistics");
        assertThat(statistics.get("regions")).isEqualTo(0L);
        assertThat(((CompositeData) statistics.get("unmapTimes")).get("count")).isEqualTo(0L);
    }

    @Test
    void theLargestRegionsMustComeFirst() throws Exception {
        for (int i = 1; i <= 5; i++) {
            space.map(i * PAGE);
        }
        final AddressSpaceMXBean bean = bean("test");
        assertThat(bean.largestRegions(2)).extracting(AddressSpaceMXBean.RegionRow::size)
            .containsExactly(5 * PAGE, 4 * PAGE);
        assertThat(bean.largestRegions(100)).hasSize(5);
        assertThat(bean.largestRegions(0)).isEmpty();
    }

    @Test
    void whoIsInTheWayMustBeSeen() throws Exception {
        final AddressSpaceMXBean bean = bean("test");
        final Region region = space.map(PAGE);
        try (Guard guard = region.share()) {
            region.unmapAsync();
            assertThat(bean.pendingUnmaps(10)).hasSize(1).allMatch(row -> row.holders().size() == 1 &&
                row.holders().getFirst().threadId() == Thread.currentThread().threadId());
            assertThat(bean.pendingUnmaps(0)).isEmpty();
            assertThat(guard.isHeld()).isTrue();
        }
        try (Pin pin = space.pin()) {
            assertThat(bean.pinnedThreads()).extracting(AddressSpaceMXBean.HolderRow::thread)
                .contains(Thread.currentThread().getName());
            assertThat(pin.find(0)).isNull();
        }
        try (WriteSection section = space.write(0, PAGE)) {
            assertThat(bean.sections()).hasSize(1).allMatch(row -> row.end() == PAGE && row.mode().equals("WRITE"));
            assertThat(section.isOpen()).isTrue();
        }
    }

    @Test
    void spacesOfOneNameMustBothBeSeen() throws Exception {
        bean("test");
        final AddressSpace first = open("twin");
        final AddressSpace second = open("twin");
        assertThat(names("twin")).containsExactlyInAnyOrder("io.holdfast:name=twin,type=AddressSpace",
            "io.holdfast:name=twin,number=2,type=AddressSpace");
        first.close();
        assertThat(names("twin")).containsExactly("io.holdfast:name=twin,number=2,type=AddressSpace");
        second.close();
        assertThat(names("twin")).isEmpty();
    }

    @Test
    void anyNameMustDo() throws Exception {
        bean("test");
        try (AddressSpace odd = open("a=b,c:*?\"\n")) {
            assertThat(SERVER.queryNames(new ObjectName("io.holdfast:type=AddressSpace,*"), null))
                .anyMatch(name -> ObjectName.unquote(quoted(name)).equals(odd.name()));
        }
        open("").close();
    }

    private static String quoted(final ObjectName name) {
        final String value = name.getKeyProperty("name");
        return value.startsWith("\"") ? value : ObjectName.quote(value);
    }

    @Test
    void aSpaceThatIsNotMonitoredMustNotBeSeen() throws Exception {
        bean("test");
        try (AddressSpace hidden = AddressSpace.builder().capacity(16 << 20).name("hidden").monitored(false).open()) {
            assertThat(names(hidden.name())).isEmpty();
        }
    }

    @Test
    void aCloseThatGaveUpMustLeaveTheSpaceVisible() throws Exception {
        bean("test");
        final AddressSpace held = open("held");
        final Region region = held.map(PAGE);
        final Thread closing;
        try (Guard guard = region.share()) {
            closing = new Thread(() -> {
                try {
                    assertThat(held.close(0, TimeUnit.SECONDS)).isFalse();
                } catch (final InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            closing.start();
            closing.join();
            assertThat(names("held")).hasSize(1);
            assertThatThrownBy(() -> bean("held").largestRegions(1)).hasStackTraceContaining("closed address space");
            assertThat(guard.isHeld()).isTrue();
        }
        held.close();
        assertThat(names("held")).isEmpty();
    }

    @Test
    void whatIsMonitoredMustStillBeCollected() throws Exception {
        final Children.Outcome outcome = Children.run(CollectedProgram.class, List.of(), classPath());
        assertThat(outcome.output()).as(outcome.output()).endsWith("space collected\nclasses collected\n");
        assertThat(outcome.status()).isZero();
    }

    private static String classPath() throws Exception {
        return AddressSpace.class.getProtectionDomain().getCodeSource().getLocation() + " " +
            Agent.class.getProtectionDomain().getCodeSource().getLocation();
    }
}
