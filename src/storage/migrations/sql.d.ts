/** A `.sql` file is imported as its text, and so is inside the executable too. */
declare module '*.sql' {
  const text: string
  // biome-ignore lint/style/noDefaultExport: a text import has no other form
  export default text
}
