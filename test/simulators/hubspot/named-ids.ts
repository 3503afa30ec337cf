import { isJsonObject } from '../json.ts'

/** Of the records that a batch is about, for the call log. */
export function namedIn(body: unknown): readonly string[] {
  if (!isJsonObject(body) || !Array.isArray(body['inputs'])) return []
  return body['inputs'].flatMap((input: unknown) => {
    if (!isJsonObject(input)) return []
    const from = isJsonObject(input['from']) ? input['from']['id'] : null
    return idText(input['id'] ?? from)
  })
}

const idText = (id: unknown): readonly string[] =>
  typeof id === 'string' || typeof id === 'number' ? [String(id)] : []
