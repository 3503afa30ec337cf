import { type SampleCompany, sampleCompanies } from '#test/demo/installation.ts'
import type { Random } from '#test/support/random.ts'

const openings = [
  'Ba',
  'Cor',
  'Del',
  'Fen',
  'Gri',
  'Hol',
  'Jas',
  'Kru',
  'Lom',
  'Mir',
  'Nov',
  'Pel',
  'Quo',
  'Ras',
  'Sti',
  'Tur',
  'Vel',
  'Wex',
  'Zan',
]
const middles = [
  'ba',
  'ceno',
  'dri',
  'fa',
  'guro',
  'la',
  'meti',
  'no',
  'pari',
  'ro',
  'sca',
  'tumi',
  'vero',
  'xi',
  'zola',
]
const endings = [
  'bel',
  'cks',
  'dorn',
  'gard',
  'king',
  'lund',
  'mont',
  'nor',
  'qvist',
  'rad',
  'sen',
  'tek',
  'vik',
  'worth',
  'zer',
]
const forms = ['GmbH', 'AG', 'Inc.', 'Ltd', 'SAS', 'AB', 'SpA', 'A/S']

/** Companies that exist and companies that might, each one once: nobody's registration is in another one's way. */
export function createCompanies(random: Random): () => SampleCompany {
  const real = random.shuffled(sampleCompanies())
  const places = sampleCompanies()
  const given = new Set<string>()
  const word = () => random.pick(openings) + random.pick(middles) + random.pick(endings)
  function invent(): SampleCompany {
    const [first, second] = [word(), word()]
    const domain = `${first}-${second}.com`.toLowerCase()
    if (given.has(domain)) return invent()
    given.add(domain)
    return { ...random.pick(places), name: `${first} ${second} ${random.pick(forms)}`, domain }
  }
  return () => (random.chance(0.25) ? real.pop() : undefined) ?? invent()
}
