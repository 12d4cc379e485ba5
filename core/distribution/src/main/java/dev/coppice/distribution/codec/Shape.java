package dev.coppice.distribution.codec;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * A registered class.
 *
 * @param id the first eight bytes of SHA-256 of its name and of its components' names and types, or of its constants' names
 * @param maker its canonical constructor, taking an array; null for an enum
 * @param accessors of its components, in order
 * @param constants of an enum; empty for a record
 */
@SuppressWarnings("ArrayRecordComponent")
record Shape(long id, Class<?> type, @Nullable MethodHandle maker, MethodHandle[] accessors, Object[] constants) {

    static Shape of(Class<?> type) {
        try {
            return type.isEnum() ? ofEnum(type) : ofRecord(type);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(type.getName() + ": cannot be read or made", e);
        }
    }

    private static Shape ofEnum(Class<?> type) {
        StringBuilder signature = new StringBuilder(type.getName());
        Object[] constants = type.getEnumConstants();
        for (Object each : constants) {
            signature.append(' ').append(((Enum<?>) each).name());
        }
        return new Shape(hash(signature), type, null, new MethodHandle[0], constants);
    }

    private static Shape ofRecord(Class<?> type) throws ReflectiveOperationException {
        StringBuilder signature = new StringBuilder(type.getName());
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        MethodHandle[] accessors = new MethodHandle[components.length];
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        for (int i = 0; i < components.length; i++) {
            RecordComponent each = components[i];
            signature
                    .append(' ')
                    .append(each.getName())
                    .append(':')
                    .append(each.getGenericType().getTypeName());
            types[i] = each.getType();
            Method accessor = each.getAccessor();
            open(accessor);
            accessors[i] = lookup.unreflect(accessor).asType(MethodType.methodType(Object.class, Object.class));
        }
        Constructor<?> constructor = type.getDeclaredConstructor(types);
        open(constructor);
        MethodHandle maker = lookup.unreflectConstructor(constructor)
                .asSpreader(Object[].class, types.length)
                .asType(MethodType.methodType(Object.class, Object[].class));
        return new Shape(hash(signature), type, maker, accessors, new Object[0]);
    }

    /** Messages are often private to the class whose mail they are. */
    private static void open(AccessibleObject member) {
        member.setAccessible(true);
    }

    private static long hash(CharSequence signature) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(signature.toString().getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(digest).getLong();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    @Nullable
    Object component(int index, Object of) {
        try {
            return accessors[index].invokeExact(of);
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new MessageException(type.getName() + ": a component could not be read: " + t);
        }
    }

    Object make(@Nullable Object[] values) {
        MethodHandle known = maker;
        if (known == null) {
            throw new MessageException(type.getName() + " is an enum, not a record");
        }
        try {
            return known.invokeExact(values);
        } catch (ClassCastException | NullPointerException e) {
            throw new MessageException(
                    type.getName() + ": a value of the message does not fit its component: " + e.getMessage());
        } catch (Error e) {
            throw e;
        } catch (Throwable t) {
            throw new MessageException(type.getName() + ": refuses the values of the message: " + t);
        }
    }
}
