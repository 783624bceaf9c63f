package planted.access;

import planted.routing.Table;

/** Breaks: feature packages do not see each other. */
public class Peeking {
    Table table;
}
