import { domainToASCII } from 'node:url'
import { parse } from 'tldts'
import { freeMailDomains, namesForSale, sharedPlatforms } from './shared-domains.ts'

/**
 * The domain that an organisation registered, from a web address, host name or e-mail address in any form:
 * "https://www.Bücher.de/shop" is "xn--bcher-kva.de". Null when there is none (IP addresses, names without a public
 * suffix) and when the address lies on hosting that many share (acme.github.io, linkedin.com/company/acme).
 */
export function registrableDomain(text: string): string | null {
  const address = text.trim()
  const { hostname } = parse(address)
  if (!hostname) return null
  // Suffixes are looked up in ASCII, so that all spellings of an international name meet.
  const found = parse(domainToASCII(hostname), { allowPrivateDomains: true })
  const { domain, publicSuffix } = found
  if (!domain || !publicSuffix || domain.length > 253) return null
  if (!found.isIcann && !namesForSale.has(publicSuffix)) return null
  if (sharedPlatforms.has(domain) && (isPage(address) || !isFront(found.subdomain))) return null
  return domain
}

/** The domain that tells a company apart: registrable, and no provider of mailboxes for everybody. */
export function companyDomain(text: string | null | undefined): string | null {
  const domain = text ? registrableDomain(text) : null
  return domain === null || freeMailDomains.has(domain) ? null : domain
}

const isFront = (subdomain: string | null): boolean => !subdomain || subdomain === 'www'
const isPage = (address: string): boolean => /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/]+\/./iu.test(address)
