/** Days and instants as texts: strict, so that 30 February or a time without a zone is no date. */

/** A real day of the calendar, YYYY-MM-DD. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const instant = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(text)
}

const instantText = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})$/

/** An instant with a stated zone (Salesforce writes +0000), or epoch milliseconds as a number or digits. */
export function readInstant(value: string | number | boolean | null): Date | null {
  if (typeof value === 'number') return fourDigitYear(new Date(value))
  if (typeof value !== 'string') return null
  if (/^-?\d{1,15}$/.test(value)) return fourDigitYear(new Date(Number(value)))
  const match = instantText.exec(value)
  if (!match) return null
  const [, day = '', time = '', zone = ''] = match
  if (!isDay(day)) return null
  const offset = zone === 'Z' || zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`
  return fourDigitYear(new Date(`${day}T${time}${offset}`))
}

function fourDigitYear(instant: Date): Date | null {
  const year = instant.getUTCFullYear()
  return year >= 1 && year <= 9_998 ? instant : null
}
