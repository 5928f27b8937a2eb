/** The URL of a file, as bundlers declare it for their users. */
declare module "*?url" {
  const address: string;
  // biome-ignore lint/style/noDefaultExport: bundlers export it as the default.
  export default address;
}
