/** The address of a file: what bundlers declare for their users. */
declare module "*?url" {
  const address: string;
  // biome-ignore lint/style/noDefaultExport: that is how bundlers give it.
  export default address;
}
