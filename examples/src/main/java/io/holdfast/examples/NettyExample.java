// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Region;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;

/**
 * A Netty server that sends a region to whoever connects, without a copy on the heap. The event loop takes a hold with each
 * connection and releases it when the last byte has left: a socket that is slow keeps the region, and nothing else does.
 */
public final class NettyExample {
    private static final int BYTES = 1 << 20;

    private NettyExample() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws Exception if there is no socket to be had
     */
    public static void main(final String[] args) throws Exception {
        System.out.println("bytes received: " + received());
    }

    static long received() throws IOException, InterruptedException {
        final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        try (AddressSpace space = AddressSpace.open()) {
            final Region page = space.map(BYTES);
            try (Guard guard = page.exclusive()) {
                guard.segment().fill((byte) 1);
            }
            final Channel server = new ServerBootstrap().group(loops).channel(NioServerSocketChannel.class)
                .childHandler(new Sender(page)).bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)).sync()
                .channel();
            final InetSocketAddress address = (InetSocketAddress) server.localAddress();
            try (Socket client = new Socket(address.getAddress(), address.getPort());
                 InputStream in = client.getInputStream()) {
                final long first = in.read();
                page.unmapAsync(); // refuses new readers; the memory goes when the event loop has sent it
                return first + in.readAllBytes().length;
            } finally {
                server.close().sync();
            }
        } finally {
            loops.shutdownGracefully().sync();
        }
    }

    /** Sends the region, and closes. */
    private static final class Sender extends ChannelInboundHandlerAdapter {
        private final Region region;

        Sender(final Region region) {
            this.region = region;
        }

        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        public void channelActive(final ChannelHandlerContext context) {
            final Hold hold = region.tryHold(); // an event loop must not wait for a writer
            if (!hold.isHeld()) {
                context.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
                return;
            }
            context.writeAndFlush(Unpooled.wrappedBuffer(hold.sharedSegment().asByteBuffer()))
                .addListener(_ -> hold.close()) // sent, or failed
                .addListener(ChannelFutureListener.CLOSE);
        }
    }
}
