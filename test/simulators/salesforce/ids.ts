/** Salesforce record ids: three characters of key prefix, twelve of counter, and three that encode the letter case. */

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const checksumAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

/** The 18-character form of a 15-character id: each suffix letter holds the case bits of five characters. */
export function toLongId(shortId: string): string {
  let suffix = ''
  for (let block = 0; block < 3; block += 1) {
    let bits = 0
    for (let place = 0; place < 5; place += 1) {
      const letter = shortId.charAt(block * 5 + place)
      if (letter >= 'A' && letter <= 'Z') bits |= 1 << place
    }
    suffix += checksumAlphabet.charAt(bits)
  }
  return shortId + suffix
}

/** Reads a 15 or 18 character id into its 18-character form; null where it cannot be an id at all. */
export function readId(value: string): string | null {
  if (!/^[0-9A-Za-z]{15}([0-9A-Za-z]{3})?$/.test(value)) return null
  const long = toLongId(value.slice(0, 15))
  if (value.length === 18 && value.slice(15).toUpperCase() !== long.slice(15)) return null
  return long
}

/** Ids that ascend in the order they were made, as the database's own do within one object. */
export function createIdSequence(): (keyPrefix: string) => string {
  let counter = 0
  return (keyPrefix) => {
    counter += 1
    let rest = counter
    let digits = ''
    for (let place = 0; place < 9; place += 1) {
      digits = alphabet.charAt(rest % alphabet.length) + digits
      rest = Math.floor(rest / alphabet.length)
    }
    return toLongId(`${keyPrefix}gL0${digits}`)
  }
}
