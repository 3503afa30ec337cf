/** The frame of the pages that show a person what a CRM holds. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (letter) => entities[letter] ?? letter)
}

const style = `
:root{color-scheme:light dark;--line:#d8dde6;--soft:#f3f5f8;--ink:#16325c;--accent:#0b5cab}
@media (prefers-color-scheme:dark){:root{--line:#3b4656;--soft:#1d2632;--ink:#e6edf6;--accent:#7db8f0}}
body{font:14px/1.45 system-ui,sans-serif;margin:0;color:var(--ink)}
header{background:var(--soft);border-bottom:1px solid var(--line);padding:.8rem 1.5rem;display:flex;gap:1.5rem;flex-wrap:wrap;align-items:baseline}
header b{font-size:1.1rem}main{padding:1rem 1.5rem;overflow-x:auto}a{color:var(--accent)}nav a{margin-right:1rem}
nav a[aria-current]{font-weight:700;text-decoration:none}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.4rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}
th{background:var(--soft);font-weight:600}td:first-child{min-width:10rem}th,td{padding:.4rem .5rem}h1{font-size:1.5rem;margin:.6rem 0}td.d,td.n{white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-nums}
.gone{opacity:.6;text-decoration:line-through}.blank{opacity:.6}`

export interface Frame {
  readonly organisation: string
  /** Whose simulator it is, in words. */
  readonly simulator: string
  /** Objects in the navigation; each has its list at `/records/{name}`. */
  readonly objects: readonly { readonly name: string; readonly label: string }[]
  /** The name of the object that is shown. */
  readonly current: string
  readonly title: string
  /** HTML, escaped by the caller. */
  readonly main: string
}

/** A whole page; everything but `main` is plain text. */
export function renderFrame({ organisation, simulator, objects, current, title, main }: Frame): string {
  const links = objects
    .map(({ name, label }) => {
      const mark = name === current ? ' aria-current="page"' : ''
      return `<a href="/records/${name}"${mark}>${escapeHtml(label)}</a>`
    })
    .join('')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)} · ${escapeHtml(organisation)}</title><style>${style}</style></head><body>
<header><b>${escapeHtml(organisation)}</b><span>${escapeHtml(simulator)}</span><nav>${links}</nav></header>
<main><h1>${escapeHtml(title)}</h1>${main}</main></body></html>`
}
