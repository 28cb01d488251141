// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.AddressSpaceMXBean;
import io.holdfast.SpaceStatistics;
import io.holdfast.event.StatisticsEvent;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.StandardMBean;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import org.jspecify.annotations.Nullable;

/**
 * Shows a space to whoever watches the process: registers its bean, and has its statistics recorded, until it is closed
 * or collected.
 *
 * <p>Thread-safe.
 */
final class Monitoring implements Runnable {
    /*
     * Neither the server nor the flight recorder may keep a space, or the classes of the library, longer than it is
     * open: so what they are given is taken back with the last space, by the close or by the cleaner, and knows the space
     * weakly.
     *
     * The platform's server takes a tenth of a second to start, a hundred times as long as a space to open, so a thread
     * starts it. Whoever opens a space puts it into OPEN and then looks for SERVER; that thread sets SERVER and then goes
     * through OPEN; both in volatile mode. So the space is registered by one or the other, or by both: the second does
     * nothing.
     */
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());
    private static final String DOMAIN = "io.holdfast";
    private static final String SPECIAL = ",=:\"*?\n";
    private static final Set<Monitoring> OPEN = ConcurrentHashMap.newKeySet();
    private static final AtomicBoolean STARTING = new AtomicBoolean();
    private static volatile @Nullable MBeanServer server;
    private static @Nullable Telling telling; // under OPEN

    private final SpaceBean bean;
    private @Nullable ObjectName registered; // these two under this
    private boolean over;

    /**
     * Has the statistics of all spaces recorded. Waits for the recorder to be used for the first time, which starting it
     * here would make every process pay for.
     */
    private static final class Telling implements FlightRecorderListener, Runnable {
        private volatile boolean over;

        // Called under the recorder's lock, so no lock of ours. Whoever ends this meanwhile is seen, or takes it back.
        @Override
        public void recorderInitialized(final FlightRecorder recorder) {
            FlightRecorder.addPeriodicEvent(StatisticsEvent.class, this);
            if (over) {
                FlightRecorder.removePeriodicEvent(this);
            }
        }

        @Override
        public void run() {
            OPEN.forEach(Monitoring::tell);
        }

        void end() {
            over = true;
            FlightRecorder.removeListener(this);
            FlightRecorder.removePeriodicEvent(this);
        }
    }

    private Monitoring(final SpaceHandle space) {
        this.bean = new SpaceBean(space);
    }

    /** Begins; {@link #run} ends it. Nothing of it fails the opening of the space. */
    static Monitoring of(final SpaceHandle space) {
        final Monitoring monitoring = new Monitoring(space);
        OPEN.add(monitoring);
        if (server != null) {
            monitoring.begin();
        } else if (STARTING.compareAndSet(false, true)) {
            startServer();
        }
        return monitoring;
    }

    private static void startServer() {
        boolean started = false;
        try {
            Thread.ofPlatform().daemon().name("holdfast-monitoring").inheritInheritableThreadLocals(false)
                .start(Monitoring::beginAll);
            started = true;
        } catch (final OutOfMemoryError e) {
            LOGGER.log(Level.WARNING, "no thread to register spaces for monitoring; the next space tries again", e);
        } finally {
            if (!started) {
                STARTING.set(false);
            }
        }
    }

    private static void beginAll() {
        try {
            server = ManagementFactory.getPlatformMBeanServer();
            OPEN.forEach(Monitoring::begin);
        } catch (final RuntimeException | LinkageError e) {
            LOGGER.log(Level.WARNING, "the platform's MBean server does not start, so spaces cannot be monitored", e);
        } catch (final OutOfMemoryError e) {
            STARTING.set(false);
            LOGGER.log(Level.WARNING, "no memory to register spaces for monitoring; the next space tries again", e);
        }
    }

    private void begin() {
        listen();
        try {
            register();
        } catch (final JMException | RuntimeException e) {
            LOGGER.log(Level.WARNING, "space cannot be monitored: name=" + bean.getName(), e);
        }
    }

    private synchronized void register() throws JMException {
        final MBeanServer running = server;
        if (over || registered != null || running == null) {
            return;
        }
        final StandardMBean shown = new StandardMBean(bean, AddressSpaceMXBean.class, true);
        for (int number = 1; registered == null; number++) {
            final ObjectName name = nameOf(number);
            try {
                running.registerMBean(shown, name);
                registered = name;
            } catch (final InstanceAlreadyExistsException e) {
                LOGGER.log(Level.DEBUG, "a space of this name is open already: {0}", name);
            }
        }
    }

    private ObjectName nameOf(final int number) throws JMException {
        final String name = bean.getName();
        final boolean plain = !name.isEmpty() && name.chars().noneMatch(each -> SPECIAL.indexOf(each) >= 0);
        return new ObjectName(DOMAIN + ":type=AddressSpace,name=" + (plain ? name : ObjectName.quote(name)) +
            (number == 1 ? "" : ",number=" + number));
    }

    /** Ends it; does nothing when called again. */
    @Override
    public void run() {
        OPEN.remove(this);
        listen();
        try {
            unregister();
        } catch (final JMException | RuntimeException e) {
            LOGGER.log(Level.WARNING, "space is still registered for monitoring: name=" + bean.getName(), e);
        }
    }

    private synchronized void unregister() throws JMException {
        over = true;
        final ObjectName name = registered;
        final MBeanServer running = server;
        if (name != null && running != null) {
            registered = null;
            running.unregisterMBean(name);
        }
    }

    // --------------------------------------------------------------------------------------------------- statistics

    /** Listens to the recorder while a space is open. */
    private static void listen() {
        synchronized (OPEN) {
            final Telling current = telling;
            if (current == null && !OPEN.isEmpty()) {
                final Telling begun = new Telling();
                telling = begun;
                FlightRecorder.addListener(begun);
            } else if (current != null && OPEN.isEmpty()) {
                telling = null;
                current.end();
            }
        }
    }

    private void tell() {
        final StatisticsEvent event = new StatisticsEvent();
        try {
            final SpaceStatistics now = bean.getStatistics();
            event.mapped(now.regions(), now.mappedBytes());
            event.unmapped(now.unmaps(), now.drainedUnmaps(), now.backlogUnmaps(), now.backlogBytes());
            event.kept(now.retiredBytes(), now.quarantinedBytes(), now.idleBytes());
        } catch (final IllegalStateException e) {
            return; // left
        }
        event.end(bean.getName());
    }
}
