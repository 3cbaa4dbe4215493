/** Files that are served as they are. Imported as a path, they are inside the executable too. */
declare module 'swagger-ui-dist/swagger-ui-bundle.js' {
  const path: string
  // biome-ignore lint/style/noDefaultExport: a file import has no other form
  export default path
}

declare module '*.css' {
  const path: string
  // biome-ignore lint/style/noDefaultExport: a file import has no other form
  export default path
}

declare module '*.browser.js' {
  const path: string
  // biome-ignore lint/style/noDefaultExport: a file import has no other form
  export default path
}
