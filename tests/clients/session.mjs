// A partner's session: what an agency that uses openid-client does, and nothing more.
import { readFile } from 'node:fs/promises'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import * as client from 'openid-client'

// The algorithms of FAPI 2.0, by kind of key.
const ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256' },
  rsa: { name: 'RSA-PSS', hash: 'SHA-256' },
  ed25519: { name: 'Ed25519' },
}

// A PKCS#8 PEM file as a CryptoKey with its kid: the given one, else the RFC 7638 thumbprint.
export async function signingKey(file, kid) {
  const pem = createPrivateKey(await readFile(file))
  const algorithm = ALGORITHMS[pem.asymmetricKeyType]
  if (!algorithm) throw new Error(`no algorithm for ${pem.asymmetricKeyType}`)
  const der = pem.export({ type: 'pkcs8', format: 'der' })
  const key = await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
  kid ??= await calculateJwkThumbprint(createPublicKey(pem).export({ format: 'jwk' }))
  return { key, kid }
}

// Discover the issuer by RFC 8414. Plain http is for loopback.
export async function connect(issuer, clientId, authentication) {
  const url = new URL(issuer)
  const execute = url.protocol === 'http:' ? [client.allowInsecureRequests] : []
  return client.discovery(url, clientId, undefined, authentication, { algorithm: 'oauth2', execute })
}

// A configuration that authenticates by private_key_jwt.
export async function byKey(issuer, clientId, file, kid) {
  return connect(issuer, clientId, client.PrivateKeyJwt(await signingKey(file, kid)))
}

// What a library threw, as data: the OAuth error where there is one.
export function failure(error) {
  return {
    name: error.name,
    code: error.code,
    error: error.error ?? error.cause?.error,
    status: error.status ?? error.cause?.status,
    description: error.error_description ?? error.cause?.error_description,
  }
}
