/**
 * The version of the product. Stated here and not read from a package's file, which a bundled
 * program does not have beside it; a test holds the two together.
 */
export const VERSION = '0.1.0'
