/** Instants in whole seconds with a Z, days as YYYY-MM-DD: the two forms that attributes have on the wire. */

export const formatInstant = (date: Date) => `${date.toISOString().slice(0, 19)}Z`

const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:\d{2})$/
const day = /^(\d{4})-(\d{2})-(\d{2})$/

/** Null where the text is no `Edm.DateTimeOffset`. */
export function readInstant(text: string): string | null {
  const time = instant.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? null : formatInstant(new Date(time))
}

/** Null where the text is no `Edm.Date`. */
export function readDay(text: string): string | null {
  if (!day.test(text)) return null
  const date = new Date(`${text}T00:00:00Z`)
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text ? null : text
}
