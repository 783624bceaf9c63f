package planted.routing;

/** Somebody to peek at. */
public class Table {}
