// Generated from bff/internal/web/openapi.yaml by `npm run types`. Change that file, not this one.

export interface paths {
  '/api/auth/register': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Make an account
     * @description It does not sign in. Ten an hour for an IPv4 address or IPv6 /64.
     */
    post: operations['register']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/login': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Sign in
     * @description Always a new session, whatever cookies come. Ten a minute for an IPv4 address or IPv6 /64. Five failures at one
     *     account are free; then it is a second, doubled by each, up to 15 minutes. Neither counts for browsers that have
     *     signed in to the account before (the device cookie). Ten a minute for one account from one IPv4 address or IPv6
     *     /64, with a device cookie or without.
     */
    post: operations['login']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/refresh': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Refresh the session
     * @description Gives new cookies, or the newest again: parallel tabs and lost answers do not end the session. No cookies come with the
     *     answer when the browser has them already. 60 a minute for a session.
     */
    post: operations['refresh']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/logout': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /**
     * Sign out
     * @description Works with expired cookies, twice, and without any. While the session store is away the answer is 503, and the
     *     cookies are cleared all the same.
     */
    post: operations['logout']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/me': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * Who is signed in
     * @description Works while the session store or the user database is away, as long as the access cookie is good.
     */
    get: operations['me']
    put?: never
    post?: never
    /**
     * Delete one's account
     * @description All its sessions end. Five an hour for an account, together with password changes.
     */
    delete: operations['deleteAccount']
    options?: never
    head?: never
    /**
     * Change one's name
     * @description Thirty an hour for an account.
     */
    patch: operations['rename']
    trace?: never
  }
  '/api/auth/password': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    /**
     * Change one's password
     * @description The other sessions end, this one gets new cookies. Five an hour for an account, together with deletions.
     */
    put: operations['changePassword']
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/activity': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * One's own part of the audit trail
     * @description The newest first, 50 to a page. Where an administrator has acted, their address and browser are left out.
     */
    get: operations['activity']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/sessions': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * The devices that are signed in
     * @description The newest first, at most 100. A sign-in above that number ends the session that was seen longest ago.
     */
    get: operations['sessions']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/sessions/{id}': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['SessionId']
      }
      cookie?: never
    }
    get?: never
    put?: never
    post?: never
    /**
     * Sign out one device
     * @description The session of another account is as unknown as one that does not exist.
     */
    delete: operations['endSession']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/logout-all': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    get?: never
    put?: never
    /** Sign out everywhere */
    post: operations['logoutAll']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/auth/events': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * What happens to the session
     * @description Server-sent events named `session`, whose data is a SessionEvent in JSON; a comment every 20 seconds. The stream
     *     ends after `revoked`, and whenever this instance goes away: connect again. At most 100 for a session.
     */
    get: operations['events']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/admin/users': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * Accounts
     * @description The newest first, 50 to a page. A search gives the accounts whose email address begins with `q` first, in the
     *     order of the addresses. It has so much time: a page may be short, or empty, and the search goes on with `next`.
     *     A session has one search at a time.
     */
    get: operations['users']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/admin/users/{id}': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['UserId']
      }
      cookie?: never
    }
    get?: never
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    /**
     * Change a role, disable or enable an account
     * @description At once, on every instance: a disabled account's sessions end, the others' go on with the new role. After a 503
     *     `session_store_unavailable` either nothing has changed, or what is stored takes effect as soon as it can.
     */
    patch: operations['changeUser']
    trace?: never
  }
  '/api/admin/users/{id}/sessions': {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['UserId']
      }
      cookie?: never
    }
    get?: never
    put?: never
    post?: never
    /** Sign an account out everywhere */
    delete: operations['endUserSessions']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/admin/audit': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /**
     * The audit trail
     * @description The newest first, 50 to a page.
     */
    get: operations['audit']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/api/openapi.yaml': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** This document */
    get: operations['openapi']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/.well-known/jwks.json': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** The keys that APIs verify identity tokens with */
    get: operations['jwks']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/healthz': {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    /** Whether the process answers */
    get: operations['healthz']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
}
export type webhooks = Record<string, never>
export interface components {
  schemas: {
    /**
     * @example {
     *       "email": "ada@example.com",
     *       "password": "a harbour at dawn",
     *       "name": "Ada"
     *     }
     */
    Registration: {
      email: components['schemas']['Email']
      password: components['schemas']['NewPassword']
      name?: components['schemas']['Name']
    }
    /**
     * @example {
     *       "email": "ada@example.com",
     *       "password": "a harbour at dawn",
     *       "remember": true
     *     }
     */
    Credentials: {
      email: components['schemas']['Email']
      password: components['schemas']['Password']
      /** @description Keep me signed in. */
      remember?: boolean
    }
    /**
     * @example {
     *       "name": "Ada Lovelace"
     *     }
     */
    Profile: {
      name: components['schemas']['Name']
    }
    /**
     * @example {
     *       "password": "a harbour at dawn"
     *     }
     */
    Confirmation: {
      password: components['schemas']['Password']
    }
    /**
     * @example {
     *       "currentPassword": "a harbour at dawn",
     *       "newPassword": "a lighthouse at dusk"
     *     }
     */
    PasswordChange: {
      currentPassword: components['schemas']['Password']
      newPassword: components['schemas']['NewPassword']
    }
    /**
     * @example {
     *       "others": true
     *     }
     */
    SignOutScope: {
      /** @description Keep the session that asks. */
      others?: boolean
    }
    /**
     * @description What is left out stays as it is.
     * @example {
     *       "role": "admin"
     *     }
     * @example {
     *       "active": false
     *     }
     */
    AccountChange: {
      role?: components['schemas']['Role']
      active?: boolean
    }
    /**
     * @description At most 254 bytes, with an ASCII local part. Compared without regard to case.
     * @example ada@example.com
     */
    Email: string
    /** @description At most 256 characters. */
    Password: string
    /** @description 8 to 256 characters, no control characters; what is easy to guess is refused. */
    NewPassword: string
    /** @description At most 100 characters, no control characters; may be empty. */
    Name: string
    /** @enum {string} */
    Role: 'user' | 'admin'
    /**
     * @example {
     *       "id": "Q6XGZKJ4N3YV5TWBO2RDLA7HCI",
     *       "email": "ada@example.com",
     *       "name": "Ada",
     *       "role": "user",
     *       "emailVerified": false,
     *       "createdAt": "2026-03-01T12:00:00Z"
     *     }
     */
    User: {
      id: string
      email: components['schemas']['Email']
      name: components['schemas']['Name']
      role: components['schemas']['Role']
      emailVerified: boolean
      /** Format: date-time */
      createdAt: string
    }
    /**
     * @example {
     *       "id": "HZ5O4YQ2RWN7A6TKDJ3XGVLCBM",
     *       "accessExpiresAt": "2026-03-01T12:15:00Z",
     *       "idleExpiresAt": "2026-03-08T12:00:00Z",
     *       "absoluteExpiresAt": "2026-05-30T12:00:00Z",
     *       "remember": false
     *     }
     */
    Session: {
      id: string
      /**
       * Format: date-time
       * @description When the access cookie goes stale: the next request after that is refreshed.
       */
      accessExpiresAt: string
      /**
       * Format: date-time
       * @description When the session ends unless something is done with it.
       */
      idleExpiresAt: string
      /**
       * Format: date-time
       * @description When it ends in any case.
       */
      absoluteExpiresAt: string
      remember: boolean
    }
    SignedIn: {
      user: components['schemas']['User']
      session: components['schemas']['Session']
    }
    UserAnswer: {
      user: components['schemas']['User']
    }
    /**
     * @description A session as its owner recognises it.
     * @example {
     *       "id": "HZ5O4YQ2RWN7A6TKDJ3XGVLCBM",
     *       "current": true,
     *       "createdAt": "2026-03-01T12:00:00Z",
     *       "lastSeenAt": "2026-03-01T12:10:00Z",
     *       "ip": "203.0.113.7",
     *       "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
     *       "remember": false
     *     }
     */
    Device: {
      id: string
      /** @description The session that asks. */
      current: boolean
      /**
       * Format: date-time
       * @description When it was signed in.
       */
      createdAt: string
      /** Format: date-time */
      lastSeenAt: string
      /** @description Where it was signed in from. */
      ip: string
      userAgent: string
      remember: boolean
    }
    Devices: {
      sessions: components['schemas']['Device'][]
    }
    /** @description An account as administrators see it. */
    Account: {
      id: string
      email: components['schemas']['Email']
      name: components['schemas']['Name']
      role: components['schemas']['Role']
      emailVerified: boolean
      /** Format: date-time */
      createdAt: string
      /** @description An inactive account cannot sign in. */
      active: boolean
    }
    AccountPage: {
      users: components['schemas']['Account'][]
      next: components['schemas']['Next']
    }
    AccountAnswer: {
      user: components['schemas']['Account']
    }
    /** @description The `cursor` of the next page, also after a page that is short or empty; null after the last. */
    Next: string | null
    /** @enum {string} */
    AuditEventType:
      | 'registered'
      | 'login_succeeded'
      | 'login_failed'
      | 'logout'
      | 'session_revoked'
      | 'refresh_reuse'
      | 'password_changed'
      | 'profile_changed'
      | 'role_changed'
      | 'user_disabled'
      | 'user_enabled'
      | 'account_deleted'
    /**
     * @description An entry of the audit trail. Fields that are unknown or hidden are empty.
     * @example {
     *       "id": "V2K7ZQXJ5NTRBA3YOW4GLDMCHE",
     *       "type": "login_succeeded",
     *       "userId": "Q6XGZKJ4N3YV5TWBO2RDLA7HCI",
     *       "actorId": "Q6XGZKJ4N3YV5TWBO2RDLA7HCI",
     *       "sessionId": "HZ5O4YQ2RWN7A6TKDJ3XGVLCBM",
     *       "detail": "",
     *       "ip": "203.0.113.7",
     *       "userAgent": "curl/8.14.1",
     *       "requestId": "GJ3XW5TQ7NVA2ZKRYO4BLD6MCH",
     *       "at": "2026-03-01T12:00:00Z"
     *     }
     */
    AuditEvent: {
      id: string
      type: components['schemas']['AuditEventType']
      /** @description Whom it is about. */
      userId: string
      /** @description Who did it. */
      actorId: string
      sessionId: string
      detail: string
      ip: string
      userAgent: string
      requestId: string
      /** Format: date-time */
      at: string
    }
    AuditPage: {
      events: components['schemas']['AuditEvent'][]
      next: components['schemas']['Next']
    }
    /**
     * @description The data of a `session` event. After `role_changed` the session goes on; ask who is signed in once more.
     * @example {
     *       "type": "revoked",
     *       "reason": "ended_by_user"
     *     }
     */
    SessionEvent: {
      /** @enum {string} */
      type: 'revoked' | 'role_changed' | 'expiring'
      /** @enum {string} */
      reason:
        | 'sign_out'
        | 'ended_by_user'
        | 'refresh_reuse'
        | 'expired'
        | 'role_changed'
        | 'password_changed'
        | 'account_disabled'
        | 'account_deleted'
        | 'ended_by_admin'
        | 'session_limit'
    }
    KeySet: {
      keys: {
        /** @constant */
        kty: 'EC'
        /** @constant */
        crv: 'P-256'
        x: string
        y: string
        kid: string
        /** @constant */
        use: 'sig'
        /** @constant */
        alg: 'ES256'
      }[]
    }
    /** @description What went wrong (RFC 9457). */
    Problem: {
      /** @description `urn:gatehouse:problem:` and the code. */
      type: string
      title: string
      status: number
      /** @description A sentence for a person. */
      detail?: string
      code: components['schemas']['ProblemCode']
      /** @description That of the log, and of `X-Request-Id`. */
      requestId?: string
      /** @description What is wrong with each field. */
      errors?: {
        [key: string]: string
      }
    }
    /** @enum {string} */
    ProblemCode:
      | 'validation_failed'
      | 'malformed_json'
      | 'malformed_request'
      | 'header_too_large'
      | 'body_too_large'
      | 'request_timeout'
      | 'client_gone'
      | 'unsupported_media_type'
      | 'email_taken'
      | 'signup_closed'
      | 'invalid_credentials'
      | 'account_disabled'
      | 'wrong_password'
      | 'last_admin'
      | 'too_many_attempts'
      | 'not_authenticated'
      | 'session_expired'
      | 'session_revoked'
      | 'refresh_reuse'
      | 'forbidden'
      | 'cross_site_request'
      | 'not_found'
      | 'bad_path'
      | 'bad_upgrade'
      | 'method_not_allowed'
      | 'session_store_unavailable'
      | 'database_unavailable'
      | 'write_conflict'
      | 'search_too_wide'
      | 'busy'
      | 'upstream_unreachable'
      | 'upstream_timeout'
      | 'internal'
  }
  responses: {
    /** @description The request could not be read. */
    MalformedRequest: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'malformed_request'
        }
      }
    }
    /** @description The request could not be read, or its path not in one way only. */
    MalformedPath: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'malformed_request' | 'bad_path'
        }
      }
    }
    /** @description The request could not be read, or its body is not one JSON object. */
    MalformedBody: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'malformed_request' | 'malformed_json'
        }
      }
    }
    /** @description The request could not be read, its path not in one way only, or its body is not one JSON object. */
    MalformedBodyOrPath: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'malformed_request' | 'bad_path' | 'malformed_json'
        }
      }
    }
    /** @description There is no session (any more). Cookies that are of no use are cleared. */
    NotSignedIn: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Set-Cookie': components['headers']['Cookies']
        'WWW-Authenticate': components['headers']['Challenge']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'not_authenticated' | 'session_expired' | 'session_revoked' | 'refresh_reuse'
        }
      }
    }
    /** @description The request is from a page of another site. */
    CrossSite: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'cross_site_request'
        }
      }
    }
    /** @description The role does not open this, or the request is from a page of another site. */
    Forbidden: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'forbidden' | 'cross_site_request'
        }
      }
    }
    /** @description The current password is wrong, or the request is from a page of another site. */
    WrongPassword: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'wrong_password' | 'cross_site_request'
        }
      }
    }
    /** @description There is no such thing, or it is not yours. */
    NotFound: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'not_found'
        }
      }
    }
    /** @description Of every endpoint, for methods that it does not have. */
    MethodNotAllowed: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        Allow: string
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'method_not_allowed'
        }
      }
    }
    /** @description No active administrator would be left, or others changed the same data and nothing was stored. */
    LastAdmin: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Retry-After': components['headers']['RetryAfterConflict']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'last_admin' | 'write_conflict'
        }
      }
    }
    /** @description Others changed the same data at this moment, and nothing was stored. The same may succeed in a second. */
    WriteConflict: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Retry-After': components['headers']['RetryAfterConflict']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'write_conflict'
        }
      }
    }
    /** @description The body is more than 64 KiB. */
    BodyTooLarge: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'body_too_large'
        }
      }
    }
    /** @description The body is not `application/json` in UTF-8, or it is compressed. */
    UnsupportedMediaType: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'unsupported_media_type'
        }
      }
    }
    /** @description Fields or parameters that need another look; `errors` says what is wrong with each, and names ten unknown ones at most. */
    InvalidFields: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'validation_failed'
        }
      }
    }
    /** @description Too many attempts, or too many requests whose access token is stale (ten refreshes a second for a session). Cookies stay as they are. */
    TooManyAttempts: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Retry-After': components['headers']['RetryAfter']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'too_many_attempts'
        }
      }
    }
    /** @description A mistake of the server. */
    InternalError: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'internal'
        }
      }
    }
    /** @description Sessions cannot be looked up. None has ended by that, and cookies stay as they are, but at sign-out. */
    SessionsUnavailable: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Retry-After': components['headers']['RetryAfter']
        'Set-Cookie': components['headers']['Cookies']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'session_store_unavailable'
        }
      }
    }
    /** @description Sessions or accounts cannot be looked up. That ends no session. */
    Unavailable: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Retry-After': components['headers']['RetryAfter']
        'Set-Cookie': components['headers']['Cookies']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'session_store_unavailable' | 'database_unavailable'
        }
      }
    }
    /** @description Sessions or accounts cannot be looked up, or too many passwords are being hashed. That ends no session. */
    UnavailableOrBusy: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Retry-After': components['headers']['RetryAfter']
        'Set-Cookie': components['headers']['Cookies']
        [name: string]: unknown
      }
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @enum {unknown} */
          code?: 'session_store_unavailable' | 'database_unavailable' | 'busy'
        }
      }
    }
    /** @description Done. Cookies are cleared when the session that asks has ended, too. */
    Done: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Set-Cookie': components['headers']['Cookies']
        [name: string]: unknown
      }
      content?: never
    }
    /** @description Done, and the cookies are cleared. */
    DoneAndCleared: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Set-Cookie': components['headers']['ClearedCookies']
        [name: string]: unknown
      }
      content?: never
    }
    /** @description A page of the audit trail. */
    Events: {
      headers: {
        'Cache-Control': components['headers']['NoStore']
        'Set-Cookie': components['headers']['Cookies']
        [name: string]: unknown
      }
      content: {
        'application/json': components['schemas']['AuditPage']
      }
    }
  }
  parameters: {
    /** @description The `next` of the page before, as it was. */
    Cursor: string
    SessionId: string
    UserId: string
  }
  requestBodies: never
  headers: {
    NoStore: 'no-store'
    Public: 'public, max-age=300'
    /** @description When a further try makes sense, in seconds. */
    RetryAfter: number
    /** @description With `write_conflict`, when a further try makes sense, in seconds. */
    RetryAfterConflict: number
    Challenge: 'Cookie'
    /** @description Access and refresh cookie, refreshed or cleared within the request; none when there is nothing to change. */
    Cookies: string
    /** @description A new access and refresh cookie; at sign-in also the device cookie, which lasts a year. */
    NewCookies: string
    /** @description Access and refresh cookie, cleared. The device cookie stays. */
    ClearedCookies: string
  }
  pathItems: never
}
export type Registration = components['schemas']['Registration']
export type Credentials = components['schemas']['Credentials']
export type Profile = components['schemas']['Profile']
export type Confirmation = components['schemas']['Confirmation']
export type PasswordChange = components['schemas']['PasswordChange']
export type SignOutScope = components['schemas']['SignOutScope']
export type AccountChange = components['schemas']['AccountChange']
export type Email = components['schemas']['Email']
export type Password = components['schemas']['Password']
export type NewPassword = components['schemas']['NewPassword']
export type Name = components['schemas']['Name']
export type Role = components['schemas']['Role']
export type User = components['schemas']['User']
export type Session = components['schemas']['Session']
export type SignedIn = components['schemas']['SignedIn']
export type UserAnswer = components['schemas']['UserAnswer']
export type Device = components['schemas']['Device']
export type Devices = components['schemas']['Devices']
export type Account = components['schemas']['Account']
export type AccountPage = components['schemas']['AccountPage']
export type AccountAnswer = components['schemas']['AccountAnswer']
export type Next = components['schemas']['Next']
export type AuditEventType = components['schemas']['AuditEventType']
export type AuditEvent = components['schemas']['AuditEvent']
export type AuditPage = components['schemas']['AuditPage']
export type SessionEvent = components['schemas']['SessionEvent']
export type KeySet = components['schemas']['KeySet']
export type Problem = components['schemas']['Problem']
export type ProblemCode = components['schemas']['ProblemCode']
export type ResponseMalformedRequest = components['responses']['MalformedRequest']
export type ResponseMalformedPath = components['responses']['MalformedPath']
export type ResponseMalformedBody = components['responses']['MalformedBody']
export type ResponseMalformedBodyOrPath = components['responses']['MalformedBodyOrPath']
export type ResponseNotSignedIn = components['responses']['NotSignedIn']
export type ResponseCrossSite = components['responses']['CrossSite']
export type ResponseForbidden = components['responses']['Forbidden']
export type ResponseWrongPassword = components['responses']['WrongPassword']
export type ResponseNotFound = components['responses']['NotFound']
export type ResponseMethodNotAllowed = components['responses']['MethodNotAllowed']
export type ResponseLastAdmin = components['responses']['LastAdmin']
export type ResponseWriteConflict = components['responses']['WriteConflict']
export type ResponseBodyTooLarge = components['responses']['BodyTooLarge']
export type ResponseUnsupportedMediaType = components['responses']['UnsupportedMediaType']
export type ResponseInvalidFields = components['responses']['InvalidFields']
export type ResponseTooManyAttempts = components['responses']['TooManyAttempts']
export type ResponseInternalError = components['responses']['InternalError']
export type ResponseSessionsUnavailable = components['responses']['SessionsUnavailable']
export type ResponseUnavailable = components['responses']['Unavailable']
export type ResponseUnavailableOrBusy = components['responses']['UnavailableOrBusy']
export type ResponseDone = components['responses']['Done']
export type ResponseDoneAndCleared = components['responses']['DoneAndCleared']
export type ResponseEvents = components['responses']['Events']
export type ParameterCursor = components['parameters']['Cursor']
export type ParameterSessionId = components['parameters']['SessionId']
export type ParameterUserId = components['parameters']['UserId']
export type HeaderNoStore = components['headers']['NoStore']
export type HeaderPublic = components['headers']['Public']
export type HeaderRetryAfter = components['headers']['RetryAfter']
export type HeaderRetryAfterConflict = components['headers']['RetryAfterConflict']
export type HeaderChallenge = components['headers']['Challenge']
export type HeaderCookies = components['headers']['Cookies']
export type HeaderNewCookies = components['headers']['NewCookies']
export type HeaderClearedCookies = components['headers']['ClearedCookies']
export type $defs = Record<string, never>
export interface operations {
  register: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['Registration']
      }
    }
    responses: {
      /** @description The account. */
      201: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['UserAnswer']
        }
      }
      400: components['responses']['MalformedBody']
      /** @description Accounts are made by an administrator here, or the request is from a page of another site. */
      403: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @enum {unknown} */
            code?: 'signup_closed' | 'cross_site_request'
          }
        }
      }
      /** @description There is an account with this email address, or others changed the same data and nothing was stored. */
      409: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Retry-After': components['headers']['RetryAfterConflict']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @enum {unknown} */
            code?: 'email_taken' | 'write_conflict'
          }
        }
      }
      413: components['responses']['BodyTooLarge']
      415: components['responses']['UnsupportedMediaType']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      /** @description Accounts cannot be looked up, or too many passwords are being hashed. */
      503: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Retry-After': components['headers']['RetryAfter']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @enum {unknown} */
            code?: 'database_unavailable' | 'busy'
          }
        }
      }
    }
  }
  login: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['Credentials']
      }
    }
    responses: {
      /** @description Signed in. Access and refresh cookie last until the browser is closed, or with `remember` as long as the session. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['NewCookies']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['SignedIn']
        }
      }
      400: components['responses']['MalformedBody']
      /** @description Email or password is wrong, or the account has changed meanwhile. */
      401: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'WWW-Authenticate': components['headers']['Challenge']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @enum {unknown} */
            code?: 'invalid_credentials' | 'session_revoked'
          }
        }
      }
      /** @description The password is right and the account disabled, or the request is from a page of another site. */
      403: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @enum {unknown} */
            code?: 'account_disabled' | 'cross_site_request'
          }
        }
      }
      413: components['responses']['BodyTooLarge']
      415: components['responses']['UnsupportedMediaType']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['UnavailableOrBusy']
    }
  }
  refresh: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The session goes on. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['Cookies']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['SignedIn']
        }
      }
      400: components['responses']['MalformedRequest']
      401: components['responses']['NotSignedIn']
      403: components['responses']['CrossSite']
      413: components['responses']['BodyTooLarge']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['SessionsUnavailable']
    }
  }
  logout: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: components['responses']['DoneAndCleared']
      400: components['responses']['MalformedRequest']
      403: components['responses']['CrossSite']
      413: components['responses']['BodyTooLarge']
      500: components['responses']['InternalError']
      503: components['responses']['SessionsUnavailable']
    }
  }
  me: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The account and the session. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['Cookies']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['SignedIn']
        }
      }
      400: components['responses']['MalformedRequest']
      401: components['responses']['NotSignedIn']
      403: components['responses']['CrossSite']
      413: components['responses']['BodyTooLarge']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['Unavailable']
    }
  }
  deleteAccount: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['Confirmation']
      }
    }
    responses: {
      204: components['responses']['DoneAndCleared']
      400: components['responses']['MalformedBody']
      401: components['responses']['NotSignedIn']
      403: components['responses']['WrongPassword']
      404: components['responses']['NotFound']
      409: components['responses']['LastAdmin']
      413: components['responses']['BodyTooLarge']
      415: components['responses']['UnsupportedMediaType']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['UnavailableOrBusy']
    }
  }
  rename: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['Profile']
      }
    }
    responses: {
      /** @description The account as it is now. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['Cookies']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['UserAnswer']
        }
      }
      400: components['responses']['MalformedBody']
      401: components['responses']['NotSignedIn']
      403: components['responses']['CrossSite']
      404: components['responses']['NotFound']
      409: components['responses']['WriteConflict']
      413: components['responses']['BodyTooLarge']
      415: components['responses']['UnsupportedMediaType']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['Unavailable']
    }
  }
  changePassword: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['PasswordChange']
      }
    }
    responses: {
      /** @description Changed. */
      204: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['NewCookies']
          [name: string]: unknown
        }
        content?: never
      }
      400: components['responses']['MalformedBody']
      401: components['responses']['NotSignedIn']
      403: components['responses']['WrongPassword']
      404: components['responses']['NotFound']
      409: components['responses']['WriteConflict']
      413: components['responses']['BodyTooLarge']
      415: components['responses']['UnsupportedMediaType']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['UnavailableOrBusy']
    }
  }
  activity: {
    parameters: {
      query?: {
        /** @description The `next` of the page before, as it was. */
        cursor?: components['parameters']['Cursor']
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: components['responses']['Events']
      400: components['responses']['MalformedRequest']
      401: components['responses']['NotSignedIn']
      403: components['responses']['CrossSite']
      413: components['responses']['BodyTooLarge']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['Unavailable']
    }
  }
  sessions: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The live sessions. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['Cookies']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['Devices']
        }
      }
      400: components['responses']['MalformedRequest']
      401: components['responses']['NotSignedIn']
      403: components['responses']['CrossSite']
      413: components['responses']['BodyTooLarge']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['SessionsUnavailable']
    }
  }
  endSession: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['SessionId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: components['responses']['Done']
      400: components['responses']['MalformedPath']
      401: components['responses']['NotSignedIn']
      403: components['responses']['CrossSite']
      404: components['responses']['NotFound']
      413: components['responses']['BodyTooLarge']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['SessionsUnavailable']
    }
  }
  logoutAll: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: {
      content: {
        'application/json': components['schemas']['SignOutScope']
      }
    }
    responses: {
      204: components['responses']['Done']
      400: components['responses']['MalformedBody']
      401: components['responses']['NotSignedIn']
      403: components['responses']['CrossSite']
      413: components['responses']['BodyTooLarge']
      415: components['responses']['UnsupportedMediaType']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['SessionsUnavailable']
    }
  }
  events: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description The stream. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['Cookies']
          [name: string]: unknown
        }
        content: {
          /**
           * @example : watching
           *
           *     event: session
           *     data: {"type":"revoked","reason":"ended_by_user"}
           */
          'text/event-stream': string
        }
      }
      400: components['responses']['MalformedRequest']
      401: components['responses']['NotSignedIn']
      403: components['responses']['CrossSite']
      413: components['responses']['BodyTooLarge']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['SessionsUnavailable']
    }
  }
  users: {
    parameters: {
      query?: {
        /** @description Part of an email address or a name, in any case. */
        q?: string
        /** @description The `next` of the page before, as it was. */
        cursor?: components['parameters']['Cursor']
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A page of accounts. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['Cookies']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['AccountPage']
        }
      }
      400: components['responses']['MalformedRequest']
      401: components['responses']['NotSignedIn']
      403: components['responses']['Forbidden']
      413: components['responses']['BodyTooLarge']
      /** @description The cursor is not one, or the search takes too long; search for an address, or for its beginning. */
      422: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          [name: string]: unknown
        }
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @enum {unknown} */
            code?: 'validation_failed' | 'search_too_wide'
          }
        }
      }
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['Unavailable']
    }
  }
  changeUser: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['UserId']
      }
      cookie?: never
    }
    requestBody: {
      content: {
        'application/json': components['schemas']['AccountChange']
      }
    }
    responses: {
      /** @description The account as it is now. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          'Set-Cookie': components['headers']['Cookies']
          [name: string]: unknown
        }
        content: {
          'application/json': components['schemas']['AccountAnswer']
        }
      }
      400: components['responses']['MalformedBodyOrPath']
      401: components['responses']['NotSignedIn']
      403: components['responses']['Forbidden']
      404: components['responses']['NotFound']
      409: components['responses']['LastAdmin']
      413: components['responses']['BodyTooLarge']
      415: components['responses']['UnsupportedMediaType']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['Unavailable']
    }
  }
  endUserSessions: {
    parameters: {
      query?: never
      header?: never
      path: {
        id: components['parameters']['UserId']
      }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: components['responses']['Done']
      400: components['responses']['MalformedPath']
      401: components['responses']['NotSignedIn']
      403: components['responses']['Forbidden']
      404: components['responses']['NotFound']
      413: components['responses']['BodyTooLarge']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['Unavailable']
    }
  }
  audit: {
    parameters: {
      query?: {
        /** @description Id of the account that the entries are about. */
        user?: string
        type?: components['schemas']['AuditEventType']
        /** @description The `next` of the page before, as it was. */
        cursor?: components['parameters']['Cursor']
      }
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: components['responses']['Events']
      400: components['responses']['MalformedRequest']
      401: components['responses']['NotSignedIn']
      403: components['responses']['Forbidden']
      413: components['responses']['BodyTooLarge']
      422: components['responses']['InvalidFields']
      429: components['responses']['TooManyAttempts']
      500: components['responses']['InternalError']
      503: components['responses']['Unavailable']
    }
  }
  openapi: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description OpenAPI 3.1. */
      200: {
        headers: {
          'Cache-Control': components['headers']['Public']
          [name: string]: unknown
        }
        content: {
          'application/yaml': unknown
        }
      }
      400: components['responses']['MalformedRequest']
      403: components['responses']['CrossSite']
      413: components['responses']['BodyTooLarge']
      500: components['responses']['InternalError']
    }
  }
  jwks: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description A JSON Web Key Set (RFC 7517). */
      200: {
        headers: {
          'Cache-Control': components['headers']['Public']
          [name: string]: unknown
        }
        content: {
          'application/jwk-set+json': components['schemas']['KeySet']
        }
      }
      400: components['responses']['MalformedRequest']
      413: components['responses']['BodyTooLarge']
      500: components['responses']['InternalError']
    }
  }
  healthz: {
    parameters: {
      query?: never
      header?: never
      path?: never
      cookie?: never
    }
    requestBody?: never
    responses: {
      /** @description It does. */
      200: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          [name: string]: unknown
        }
        content: {
          /** @example ok */
          'text/plain': 'ok'
        }
      }
      400: components['responses']['MalformedRequest']
      413: components['responses']['BodyTooLarge']
      500: components['responses']['InternalError']
      /** @description Send no requests here: it ends within seconds (`draining`), or has just begun and brings the database's tables up to date (`migrating`). Everything is still answered. */
      503: {
        headers: {
          'Cache-Control': components['headers']['NoStore']
          [name: string]: unknown
        }
        content: {
          /** @example draining */
          'text/plain': 'draining' | 'migrating'
        }
      }
    }
  }
}
