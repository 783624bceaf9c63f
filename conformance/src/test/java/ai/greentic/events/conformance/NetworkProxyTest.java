package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A real server that echoes, behind the proxy. */
@Timeout(60)
class NetworkProxyTest {
    private ServerSocket server;
    private NetworkProxy proxy;

    @BeforeEach
    void open() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread echo = new Thread(this::serve, "echo");
        echo.setDaemon(true);
        echo.start();
        proxy = new NetworkProxy(new InetSocketAddress(server.getInetAddress(), server.getLocalPort()));
    }

    @AfterEach
    void close() throws IOException {
        proxy.close();
        server.close();
    }

    private void serve() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                Thread thread = new Thread(
                        () -> {
                            try (socket) {
                                long unused = socket.getInputStream().transferTo(socket.getOutputStream());
                            } catch (IOException e) {
                                // The client is gone.
                            }
                        },
                        "echo-connection");
                thread.setDaemon(true);
                thread.start();
            } catch (IOException e) {
                return;
            }
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        socket.connect(proxy.address(), 5_000);
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static void assertEchoes(Socket socket, int bytes) throws IOException {
        byte[] sent = new byte[bytes];
        new java.util.Random(bytes).nextBytes(sent);
        OutputStream out = socket.getOutputStream();
        InputStream in = socket.getInputStream();
        for (int at = 0; at < bytes; at += 1000) {
            int count = Math.min(1000, bytes - at);
            out.write(sent, at, count);
            assertThat(in.readNBytes(count)).isEqualTo(java.util.Arrays.copyOfRange(sent, at, at + count));
        }
    }

    @Test
    void passesEverythingWhileAllIsWell() throws IOException {
        try (Socket one = connect();
                Socket two = connect()) {
            assertEchoes(one, 100_000);
            assertEchoes(two, 1);
        }
    }

    @Test
    void aCutEndsConnectionsAndRefusesNewOnesUntilItIsHealed() throws IOException {
        try (Socket before = connect()) {
            assertEchoes(before, 10);
            proxy.cut();
            assertThatThrownBy(() -> assertEchoes(before, 10)).isInstanceOfAny(IOException.class, AssertionError.class);
            assertThatThrownBy(() -> {
                        try (Socket during = connect()) {
                            assertEchoes(during, 10);
                        }
                    })
                    .isInstanceOfAny(IOException.class, AssertionError.class);
        }
        proxy.heal();
        try (Socket after = connect()) {
            assertEchoes(after, 10);
        }
    }

    @Test
    void aStalledConnectionIsSilentAndThenGoesOn() throws IOException {
        try (Socket socket = connect()) {
            assertEchoes(socket, 10);
            proxy.stall();
            socket.getOutputStream().write(7);
            socket.setSoTimeout(200);
            assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
            proxy.heal();
            socket.setSoTimeout(10_000);
            assertThat(socket.getInputStream().read()).isEqualTo(7);
        }
    }

    @Test
    void delaysAndSlowsDown() throws IOException {
        try (Socket socket = connect()) {
            proxy.delay(Duration.ofMillis(100));
            long began = System.nanoTime();
            assertEchoes(socket, 10);
            assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(200_000_000L);
            proxy.heal();
            proxy.slow(10_000);
            began = System.nanoTime();
            assertEchoes(socket, 2_000);
            assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(300_000_000L);
        }
    }

    @Test
    void resetsInTheMiddleOfAFrame() throws IOException {
        try (Socket socket = connect()) {
            proxy.reset(500);
            socket.getOutputStream().write(new byte[1000]);
            assertThatThrownBy(() -> {
                        if (socket.getInputStream().readNBytes(1000).length < 1000) {
                            throw new IOException("ended early");
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
        try (Socket again = connect()) {
            assertEchoes(again, 10_000);
        }
    }
}
