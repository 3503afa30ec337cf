/** GUIDs that ascend in the order they were made, as those of the database do, so that lists stay sorted. */

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const isGuid = (text: string) => form.test(text)

/** Lower case, without braces; null where the text is no GUID. */
export function readGuid(text: string): string | null {
  const bare = text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text
  return isGuid(bare) ? bare.toLowerCase() : null
}

/** Those in an address, in lower case. */
export const namedIn = (url: string): readonly string[] =>
  url
    .replaceAll('%20', ' ')
    .toLowerCase()
    .match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g) ?? []

export function createGuidSequence(): () => string {
  let counter = 0
  return () => {
    counter += 1
    const high = (0x5a_00_00_00 + counter).toString(16).padStart(8, '0')
    return `${high}-3c7e-ef11-a317-000d3a99${(counter % 0x1_00_00).toString(16).padStart(4, '0')}`
  }
}

/** A GUID that is the same in every organisation: for rows that the platform ships. */
export const fixedGuid = (group: number, number: number) =>
  `${group.toString(16).padStart(8, '0')}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
