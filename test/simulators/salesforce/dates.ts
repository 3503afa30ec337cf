/** Dates and datetimes as Salesforce writes them: UTC, whole seconds where the platform stamps them itself. */

/** `2026-01-31T10:00:00.000+0000`: one fixed form, so that stored datetimes compare as text. */
export function formatDatetime(instant: Date): string {
  return instant.toISOString().replace('Z', '+0000')
}

/** The platform's own stamps have whole-second resolution. */
export function formatStamp(instant: Date): string {
  return formatDatetime(new Date(Math.floor(instant.getTime() / 1000) * 1000))
}

const datetimePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/

/** Null where the text is no ISO 8601 datetime with an offset. */
export function readDatetime(text: string): string | null {
  if (!datetimePattern.test(text)) return null
  const instant = new Date(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
  return Number.isNaN(instant.getTime()) ? null : formatDatetime(instant)
}

/** Null where the text is no calendar day. */
export function readDate(text: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  const instant = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(text) ? text : null
}

/** Milliseconds of a stored datetime. */
export function toMillis(datetime: string): number {
  return Date.parse(datetime.replace('+0000', 'Z'))
}
