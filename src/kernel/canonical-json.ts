/** JSON text with sorted keys; big integers as decimal text. Two equal values have one text, so it can be hashed. */
export function canonicalJson(value: unknown): string {
  return write(value) ?? 'null'
}

/** What JSON leaves out is undefined. Written out, as a replacer for `JSON.stringify` takes several times as long. */
function write(value: unknown): string | undefined {
  if (typeof value === 'bigint') return `"${value}"`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((part) => write(part) ?? 'null').join(',')}]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return write(value.toJSON())
  const members: string[] = []
  for (const [key, part] of Object.entries(value).sort(byKey)) {
    const text = write(part)
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`)
  }
  return `{${members.join(',')}}`
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)
