/**
 * The version of the package and of the builds in it.
 *
 * @module
 */

/** The version of this package. */
export const VERSION: string = "0.1.0";
