// SPDX-License-Identifier: Apache-2.0
package io.holdfast.top;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.RuntimeMBeanException;
import javax.management.openmbean.CompositeData;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.jspecify.annotations.Nullable;

/** A process that is looked at. */
final class Target implements AutoCloseable {
    private static final String PATTERN = "io.holdfast:type=AddressSpace,*";
    private static final Path LIMIT = Path.of("/proc/sys/vm/max_map_count");

    private final long pid;
    private final JMXConnector connector;
    private final MBeanServerConnection server;

    private Target(final long pid, final JMXConnector connector) throws IOException {
        this.pid = pid;
        this.connector = connector;
        this.server = connector.getMBeanServerConnection();
    }

    /** Has the process start its management agent, which listens to this machine alone, and connects to it. */
    @SuppressWarnings("BanJNDI") // the address is what the process said over its own socket, of this user
    static Target attach(final long pid) throws AttachNotSupportedException, IOException {
        final VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
        final String address;
        try {
            address = machine.startLocalManagementAgent();
        } finally {
            machine.detach();
        }
        return new Target(pid, JMXConnectorFactory.connect(new JMXServiceURL(address)));
    }

    /** Takes a reading, with so many rows of each list at most. */
    Reading read(final int rows) throws IOException {
        final List<Map<String, @Nullable Object>> spaces = new ArrayList<>();
        try {
            for (final ObjectName name : new TreeSet<>(server.queryNames(new ObjectName(PATTERN), null))) {
                try {
                    spaces.add(read(name, rows));
                } catch (final InstanceNotFoundException | RuntimeMBeanException e) {
                    // closed, or being closed, since it was listed
                }
            }
        } catch (final JMException e) {
            throw new IOException("a bean does not say what it should: " + e.getMessage(), e);
        }
        return new Reading(pid, System.currentTimeMillis(), limit(), spaces);
    }

    private Map<String, @Nullable Object> read(final ObjectName name, final int rows) throws JMException, IOException {
        final Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("objectName", name.getCanonicalName());
        all.put("name", server.getAttribute(name, "Name"));
        all.put("capacity", server.getAttribute(name, "Capacity"));
        all.put("barrier", server.getAttribute(name, "Barrier"));
        all.put("mappingHeadroom", server.getAttribute(name, "MappingHeadroom"));
        all.put("statistics", plain(server.getAttribute(name, "Statistics")));
        all.put("regions", list(name, "largestRegions", rows));
        all.put("pendingUnmaps", list(name, "pendingUnmaps", rows));
        all.put("pinnedThreads", plain(server.invoke(name, "pinnedThreads", new Object[0], new String[0])));
        all.put("sections", plain(server.invoke(name, "sections", new Object[0], new String[0])));
        return all;
    }

    private @Nullable Object list(final ObjectName name, final String operation, final int most)
        throws JMException, IOException {
        return plain(server.invoke(name, operation, new Object[] {most}, new String[] {"int"}));
    }

    /** Open data as maps, lists, numbers and texts. */
    private static @Nullable Object plain(final @Nullable Object open) {
        if (open instanceof final CompositeData data) {
            final Map<String, @Nullable Object> map = new LinkedHashMap<>();
            data.getCompositeType().keySet().forEach(key -> map.put(key, plain(data.get(key))));
            return map;
        }
        if (open != null && open.getClass().isArray()) {
            final List<@Nullable Object> list = new ArrayList<>();
            for (int i = 0; i < Array.getLength(open); i++) {
                list.add(plain(Array.get(open, i)));
            }
            return list;
        }
        return open;
    }

    private static long limit() throws IOException {
        // By one read: the kernel gives the second one of a number nothing, and Files.readString begins with one byte.
        try (BufferedReader lines = Files.newBufferedReader(LIMIT)) {
            final String line = lines.readLine();
            return line == null ? -1 : Long.parseLong(line.strip());
        } catch (final NoSuchFileException e) {
            return -1;
        }
    }

    @Override
    public void close() throws IOException {
        connector.close();
    }
}
