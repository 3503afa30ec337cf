import { rarityOf } from './word-rarity.ts'

/** Words in company names: abbreviations spelled out, and how little some words say about which company it is. */

const abbreviations: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    international: 'intl int l internl internat internasional',
    technology: 'tech techno technol technologies',
    industry: 'ind inds indus industries industrial industria',
    manufacturing: 'mfg manuf manufact',
    management: 'mgmt mgt mngmt',
    laboratory: 'lab labs laboratories',
    pharmaceutical: 'pharma pharm pharmaceuticals pharmaceutica',
    service: 'svc svcs serv services',
    system: 'sys syst systems',
    solution: 'soln solns solutions',
    product: 'prod prods products',
    production: 'productions',
    company: 'companies',
    group: 'grp groupe grupo gruppe gruppo',
    holding: 'hldg hldgs holdings',
    national: 'natl nat',
    american: 'amer',
    united: 'utd',
    development: 'dev devel developments',
    engineering: 'eng engr engrg',
    electric: 'elec elect electrical',
    electronic: 'electronics',
    energy: 'energies energia',
    financial: 'finl fin',
    investment: 'inv invt investments',
    property: 'prop props properties',
    resource: 'res resources',
    university: 'univ',
    association: 'assoc assn',
    communication: 'comm comms communications',
    telecommunication: 'telecom telecoms telecommunications',
    enterprise: 'ent entpr enterprises',
    entertainment: 'entmt',
    medical: 'med',
    health: 'hlth',
    bank: 'bk banks',
    bancorporation: 'bancorp bancorpn bancshares',
    insurance: 'ins insur',
    partner: 'partners',
    power: 'pwr',
    material: 'mat materials',
    chemical: 'chem chems chemicals',
    center: 'ctr centre',
    department: 'dept',
    government: 'govt',
    brother: 'bros brothers',
    saint: 'st',
    north: 'n',
    transport: 'transp transportation',
    mine: 'mines',
    metal: 'metals',
    brand: 'brands',
    food: 'foods',
    mineral: 'minerals',
    venture: 'ventures',
    hotel: 'hotels',
    network: 'networks',
    component: 'components',
    instrument: 'instruments',
    semiconductor: 'semiconductors',
    therapeutic: 'therapeutics',
    bioscience: 'biosciences',
    science: 'sciences sci',
    security: 'securities',
    and: '&',
  }).flatMap(([word, shorts]) => shorts.split(' ').map((short) => [short, word])),
)

/** Small words, and legal forms where a name does not end in them: they carry nothing. */
const empty = new Set(
  `the of a an and et und y e i de del der die das la le les los do da du for com
  corp corporation co limited incorporated ag sa se nv bv ab oy as asa gmbh kg ltd llc llp lp inc plc pt pty spa srl jsc ojsc pjsc tbk publ cos naamloze vennootschap gesellschaft`.split(
    /\s+/,
  ),
)

/** Words that many companies share. */
const common = new Set(
  `group holding company international global worldwide technology industry system service solution management
  development investment capital financial finance partner enterprise resource product production energy power
  bank bancorporation trust fund insurance property estate real realty reit materials material chemical
  pharmaceutical therapeutic bioscience biotech bio science laboratory medical health healthcare care life
  electric electronic engineering equipment machinery construction manufacturing metal steel mining mine
  mineral gold silver copper oil gas petroleum water food brand media entertainment communication
  telecommunication telecom network software data digital information online computer semiconductor component
  instrument security acquisition venture logistics transport shipping retail trading commercial national
  american united first new general advanced precision smart green blue public stock joint china india japan
  asia pacific europe european africa america north south east west central exploration royalty
  city state federal savings community association university institute foundation center agency council
  motor automotive auto aviation air marine hotel resort travel education consulting consultants design
  research innovation innovations sport club store stores foods beverage cement paper packaging plastic rubber
  textile fashion home house land building infrastructure environmental renewable solar koninklijke royal kungliga
  mobile wireless interactive gaming games studio studios home brothers sons works factory plant lithium uranium`.split(
    /\s+/,
  ),
)

/** Words that name a part of a company or a region, put behind its name by whoever registers. */
const appended = new Set(
  `emea apac latam amer americas dach benelux nordics uk us usa eu germany deutschland france italy italia
  spain espana austria switzerland netherlands nederland belgium poland sweden norway denmark finland ireland
  canada mexico brazil brasil australia singapore japan korea taiwan china india thailand procurement purchasing
  headquarters hq division branch office subsidiary department unit operations region sales hr marketing`.split(
    /\s+/,
  ),
)

/** Kinds of vehicles that an investment house has many of, each a company of its own. */
const vehicles = new Set(
  'fund income bdc municipal municipals duration term opportunities etf etn portfolio spac acquisition series'.split(
    ' ',
  ),
)

export const isVehicle = (word: string): boolean => vehicles.has(word)

/** A region or a department, which adds nothing about the company. */
export const isAppended = (word: string): boolean => appended.has(word)

/** The word that an abbreviation stands for, or the word itself. */
export const spellOut = (word: string): string =>
  (Object.hasOwn(abbreviations, word) ? abbreviations[word] : word) ?? word

/** A word that tells nothing at all. */
export const isEmpty = (word: string): boolean => empty.has(word)

/**
 * How much a word tells about which company it is, 0 to 1: the rarer among names, the more. What belongs to a trade tells
 * little however rare it is in the names that were counted.
 */
export function wordWeight(word: string): number {
  if (appended.has(word)) return 0.2
  const rarity = rarityOf(word)
  if (common.has(word)) return Math.min(0.4, rarity)
  return word.length <= 2 ? Math.min(0.6, rarity) : rarity
}
