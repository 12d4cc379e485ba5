package dev.coppice.gateway.function;

import com.dylibso.chicory.runtime.ByteArrayMemory;
import com.dylibso.chicory.runtime.Instance;
import com.dylibso.chicory.runtime.Memory;
import com.dylibso.chicory.wasm.types.DataSegment;
import com.dylibso.chicory.wasm.types.MemoryLimits;

/**
 * The memory of a guest. Whatever moves many bytes at once ends an interrupted call: a few bytes of code without loops or calls could otherwise fill gigabytes.
 * Used by one thread at a time; there is none that waits or notifies.
 */
// What the interface has for threads is on its way out, and has to be there until then.
@SuppressWarnings("removal")
final class GuardedMemory implements Memory {
    private final ByteArrayMemory bytes;

    GuardedMemory(MemoryLimits limits) {
        this.bytes = new ByteArrayMemory(limits);
    }

    // ---- many bytes at once

    @Override
    public int grow(int pages) {
        GuestFault.ifInterrupted();
        return bytes.grow(pages);
    }

    @Override
    public void initialize(Instance instance, DataSegment[] segments) {
        bytes.initialize(instance, segments);
    }

    @Override
    public void initialize(Instance instance, DataSegment[] segments, int index) {
        bytes.initialize(instance, segments, index);
    }

    @Override
    public void initPassiveSegment(int segment, int to, int from, int size) {
        GuestFault.ifInterrupted();
        bytes.initPassiveSegment(segment, to, from, size);
    }

    @Override
    public void write(int at, byte[] from, int offset, int size) {
        GuestFault.ifInterrupted();
        bytes.write(at, from, offset, size);
    }

    @Override
    public byte[] readBytes(int at, int size) {
        GuestFault.ifInterrupted();
        return bytes.readBytes(at, size);
    }

    @Override
    public void fill(byte value, int from, int to) {
        GuestFault.ifInterrupted();
        bytes.fill(value, from, to);
    }

    @Override
    public void copy(int to, int from, int size) {
        GuestFault.ifInterrupted();
        bytes.copy(to, from, size);
    }

    @Override
    public void zero() {
        bytes.zero();
    }

    @Override
    public void drop(int segment) {
        bytes.drop(segment);
    }

    // ---- a few

    @Override
    public byte read(int at) {
        return bytes.read(at);
    }

    @Override
    public void writeByte(int at, byte value) {
        bytes.writeByte(at, value);
    }

    @Override
    public short readShort(int at) {
        return bytes.readShort(at);
    }

    @Override
    public long readU16(int at) {
        return bytes.readU16(at);
    }

    @Override
    public void writeShort(int at, short value) {
        bytes.writeShort(at, value);
    }

    @Override
    public int readInt(int at) {
        return bytes.readInt(at);
    }

    @Override
    public void writeI32(int at, int value) {
        bytes.writeI32(at, value);
    }

    @Override
    public long readLong(int at) {
        return bytes.readLong(at);
    }

    @Override
    public void writeLong(int at, long value) {
        bytes.writeLong(at, value);
    }

    @Override
    public float readFloat(int at) {
        return bytes.readFloat(at);
    }

    @Override
    public long readF32(int at) {
        return bytes.readF32(at);
    }

    @Override
    public void writeF32(int at, float value) {
        bytes.writeF32(at, value);
    }

    @Override
    public double readDouble(int at) {
        return bytes.readDouble(at);
    }

    @Override
    public long readF64(int at) {
        return bytes.readF64(at);
    }

    @Override
    public void writeF64(int at, double value) {
        bytes.writeF64(at, value);
    }

    // ---- what it is

    @Override
    public int pages() {
        return bytes.pages();
    }

    @Override
    public int initialPages() {
        return bytes.initialPages();
    }

    @Override
    public int maximumPages() {
        return bytes.maximumPages();
    }

    @Override
    public boolean shared() {
        return bytes.shared();
    }

    // ---- threads, which there are none of

    @Override
    public Object lock(int at) {
        return bytes.lock(at);
    }

    @Override
    public int waitOn(int at, int expected, long nanos) {
        throw new GuestFault("it waits for a thread, which there are none of");
    }

    @Override
    public int waitOn(int at, long expected, long nanos) {
        throw new GuestFault("it waits for a thread, which there are none of");
    }

    @Override
    public int notify(int at, int most) {
        return 0;
    }
}
