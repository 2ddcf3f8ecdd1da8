// An outsider reads our access token by the book: oauth4webapi validates it as RFC 9068 says, with our JWKS.
//
//   node validate.mjs ISSUER AUDIENCE TOKEN
//
// Prints one line of JSON: the validated claims or {"failure": …}.
import * as oauth from 'oauth4webapi'
import { failure } from './session.mjs'

const [issuer, audience, token] = process.argv.slice(2)
const insecure = { [oauth.allowInsecureRequests]: true }

try {
  const url = new URL(issuer)
  const found = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure })
  const server = await oauth.processDiscoveryResponse(url, found)
  const request = new Request(new URL('/v1/agency', issuer), { headers: { authorization: `Bearer ${token}` } })
  console.log(JSON.stringify(await oauth.validateJwtAccessToken(server, request, audience, insecure)))
} catch (error) {
  console.log(JSON.stringify({ failure: failure(error) }))
}
