package dev.coppice.probe;

import dev.coppice.kernel.Timers;
import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.IcmpFacts;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.IOException;
import java.net.Inet6Address;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sends an ICMP echo request (RFC 792, RFC 4443) and waits for the reply to it. The reply is polled for, ever more seldom,
 * up to every 5 ms: times are right to a few per cent of a short round trip and to 5 ms of a long one. InetAddress.isReachable
 * is not used, since without privileges it knocks at TCP port 7 instead and calls that reachable.
 */
final class IcmpProbe implements ProbeRun {
    private static final int HEADER = 8;
    private static final Duration FIRST_PAUSE = Duration.ofNanos(50_000);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(5);

    private final ProbeSpec.Icmp spec;
    private final Dialer dialer;
    private final Timers timers;
    private final AtomicInteger sequence = new AtomicInteger();

    private IcmpProbe(ProbeSpec.Icmp spec, Dialer dialer, Timers timers) {
        this.spec = spec;
        this.dialer = dialer;
        this.timers = timers;
    }

    static IcmpProbe of(ProbeSpec.Icmp spec, Dialer dialer, Timers timers, List<FieldError> errors) {
        SpecRules.host(spec.host(), errors);
        if (spec.payloadBytes() < 0 || spec.payloadBytes() > 1400) {
            errors.add(new FieldError("payloadBytes", "expected 0 to 1400, not " + spec.payloadBytes()));
        }
        if (spec.ttl() < 1 || spec.ttl() > 255) {
            errors.add(new FieldError("ttl", "expected 1 to 255, not " + spec.ttl()));
        }
        return new IcmpProbe(spec, dialer, timers);
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        var address = dialer.resolve(attempt, spec.host(), spec.family()).getFirst();
        attempt.address(address);
        attempt.step(Attempt.Step.CONNECTING);
        boolean six = address instanceof Inet6Address;
        try (var socket = EchoSocket.open(address, spec.ttl())) {
            long nonce = attempt.nanoTime();
            int number = sequence.incrementAndGet() & 0xffff;
            var request = request(six, number, nonce);
            attempt.step(Attempt.Step.SENDING);
            socket.send(request);
            attempt.step(Attempt.Step.WAITING);
            await(attempt, socket, six, request);
        } catch (EchoSocket.ForbiddenException e) {
            throw new ProbeFailure(
                    Outcome.UNSUPPORTED,
                    "this process may not send ICMP echo requests: let its group do so by \"sysctl"
                            + " net.ipv4.ping_group_range='0 2147483647'\", or give it CAP_NET_RAW");
        }
    }

    private byte[] request(boolean six, int number, long nonce) {
        var packet = ByteBuffer.allocate(HEADER + Math.max(8, spec.payloadBytes()));
        packet.put((byte) (six ? 128 : 8)).put((byte) 0).putShort((short) 0);
        packet.putShort((short) (nonce >>> 16)).putShort((short) number).putLong(nonce);
        if (!six) {
            packet.putShort(2, checksum(packet.array()));
        }
        return packet.array();
    }

    /** RFC 1071. */
    static short checksum(byte[] packet) {
        int sum = 0;
        for (int i = 0; i < packet.length; i += 2) {
            sum += (packet[i] & 0xff) << 8 | (i + 1 < packet.length ? packet[i + 1] & 0xff : 0);
        }
        while (sum >> 16 != 0) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return (short) ~sum;
    }

    private void await(Attempt attempt, EchoSocket socket, boolean six, byte[] request)
            throws ProbeFailure, IOException, InterruptedException {
        var pause = FIRST_PAUSE;
        while (true) {
            var packet = socket.receive();
            if (packet.length == 0) {
                var left = attempt.remaining();
                timers.sleep(left.compareTo(pause) < 0 ? left : pause);
                var longer = pause.plus(pause.dividedBy(2));
                pause = longer.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : longer;
                continue;
            }
            boolean header = socket.raw() && !six;
            int start = header ? (packet[0] & 0x0f) * 4 : 0;
            if (answers(packet, start, six, request)) {
                attempt.countBytes(packet.length);
                attempt.icmp = new IcmpFacts(header ? packet[8] & 0xff : -1, packet.length - start);
                return;
            }
        }
    }

    /** Sequence number and payload decide; a ping socket changes the identifier. */
    private static boolean answers(byte[] packet, int start, boolean six, byte[] request) {
        if (packet.length - start != request.length || packet[start] != (six ? (byte) 129 : 0)) {
            return false;
        }
        for (int i = 6; i < request.length; i++) {
            if (packet[start + i] != request[i]) {
                return false;
            }
        }
        return true;
    }
}
