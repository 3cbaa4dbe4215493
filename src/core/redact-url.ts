/** Query parameters that are a credential by themselves: presigned links, tokens in links. */
const SECRET_PARAMETER =
  /^(?:x-amz-(?:signature|credential|security-token)|.*(?:token|secret|password|signature|key))$/i

/**
 * Takes credentials out of a text that may hold addresses: `user:password@` and signatures in a query become `***`.
 *
 * For logs and messages; the text need not be a whole or a well-formed URL.
 */
export function redactUrl(text: string): string {
  if (!text.includes('://')) return text
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>?#]*@/gi, '$1***@')
    .replaceAll(/([?&])([^\s"'<>=&#]+)=([^\s"'<>&#]*)/g, (whole, lead: string, name: string) =>
      SECRET_PARAMETER.test(name) ? `${lead}${name}=***` : whole,
    )
}
