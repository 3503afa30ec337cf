/** A report as lines for people: nested names indented, figures of one thing on one line. */

const isPlain = (value: unknown): value is string | number | boolean | null =>
  value === null || typeof value !== 'object'

const words = (name: string): string => name.replace(/([A-Z]|\d+)/g, ' $1').toLowerCase()

const isRatio = (value: object): value is { median: number; lowest: number; highest: number } =>
  'median' in value && 'lowest' in value && 'highest' in value

function figure(value: unknown): string {
  if (typeof value === 'number')
    return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(2)
  return String(value)
}

export function formatReport(report: object, depth = 0): string {
  const indent = '  '.repeat(depth)
  const entries = Object.entries(report)
  const plain = entries.filter(([, value]) => isPlain(value))
  const lines = plain.map(
    ([name, value]) => `${indent}${words(name).padEnd(44 - indent.length)} ${figure(value)}`,
  )
  for (const [name, value] of entries) {
    if (typeof value !== 'object' || value === null) continue
    const title = `${indent}${words(name)}`
    if (isRatio(value)) {
      const range = `(${value.lowest.toFixed(2)} to ${value.highest.toFixed(2)})`
      lines.push(`${title.padEnd(44)} ${value.median.toFixed(2)} x ${range}`)
    } else if (Array.isArray(value) && value.every(isPlain))
      lines.push(`${title.padEnd(44)} ${value.map(figure).join(', ')}`)
    else lines.push(title, formatReport(value, depth + 1))
  }
  return lines.join('\n')
}
