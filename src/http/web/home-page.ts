/** The page at `/`: what this is, the lines to begin with, and the API reference. @param url  the origin that the reader sees */
export function homePage(url: string, version: string): string {
  const host = escapeHtml(new URL(url).host)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Seawall at ${host}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/swagger-ui.css">
<link rel="stylesheet" href="/assets/home.css">
<script src="/assets/swagger-ui-bundle.js" defer></script>
<script src="/assets/home.js" defer></script>
</head>
<body>
<header>
<h1>${LOGO}Seawall</h1>
<p class="lead">A container registry that keeps what it holds safe: it names the packages in every image that is pushed, says
what is known to be wrong with them, and refuses or allows each pull by the rule of its repository.</p>
</header>
<main>
<div class="columns">
<section class="sheet" aria-labelledby="push">
<h2 id="push">Push and pull</h2>
<pre tabindex="0" aria-label="Commands to push and pull"><code>docker login ${host}
docker tag debian:12 ${host}/demo/debian:12
docker push ${host}/demo/debian:12
docker pull ${host}/demo/debian:12</code></pre>
<p class="note">The first push to <code>demo</code> makes that repository; it is yours and private.${plainNote(url)}</p>
</section>
<section class="sheet" aria-labelledby="look">
<h2 id="look">See what is in it, and set the rule</h2>
<pre tabindex="0" aria-label="Commands of the command line"><code>seawall login ${escapeHtml(url)}
seawall image show ${host}/demo/debian:12
seawall repository set demo --mode deny \\
  --block-severity critical --only-fixable</code></pre>
<p class="note">A pull that the rule refuses says why, and which versions are fixed.</p>
</section>
</div>
<section class="sheet" aria-labelledby="reference">
<h2 id="reference">Management API</h2>
<p class="note">Everything that the command line does, described by <a href="/api/v1/openapi.json">openapi.json</a>. Sign in with
an access token (Bearer) or a password (Basic).</p>
<div id="api"><noscript>The reference is drawn by a script; openapi.json holds the same.</noscript></div>
</section>
</main>
<footer>Seawall ${escapeHtml(version)} at ${escapeHtml(url)}</footer>
</body>
</html>
`
}

/** A wall before waves. */
const LOGO = `<svg viewBox="0 0 40 40" fill="none" stroke="currentColor" stroke-width="2.5" aria-hidden="true">
<path d="M4 6h32v14H4zM4 13h32M14 6v7M26 6v7M9 13v7M20 13v7M31 13v7"/>
<path d="M2 28c4-4 8-4 12 0s8 4 12 0 8-4 12 0M2 35c4-4 8-4 12 0s8 4 12 0 8-4 12 0" stroke-linecap="round"/></svg>`

/** Docker wants TLS, but for what never leaves its machine. */
function plainNote(url: string): string {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)) return ''
  return ' This address is without TLS: docker takes it only when <code>insecure-registries</code> of its daemon names it.'
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
}
