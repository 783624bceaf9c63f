package ai.greentic.events;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;

/** Captures a generic type: {@code new TypeRef<List<Order>>() {}}. */
public abstract class TypeRef<T> {
    private final Type type;

    protected TypeRef() {
        if (!(getClass().getGenericSuperclass() instanceof ParameterizedType parent)) {
            throw new IllegalStateException("create a TypeRef with its type: new TypeRef<List<Order>>() {}");
        }
        this.type = parent.getActualTypeArguments()[0];
    }

    public final Type type() {
        return type;
    }
}
