# What people read, in English. Other languages are other files with the same messages.
# In headings, buttons and links the hyphen of "e‑mail" and "sign‑in" is U+2011, which no line breaks at.

## Every page

footer = Sign-in by Doorward
show-password = Show password
caps-lock-on = Caps Lock is on
email = E-mail
password = Password
new-password = New password
name = Name
optional = Optional
back = Back
cancel = Cancel
back-to-sign-in = Back to sign‑in

## Signing in

login-title = Sign in
login-to-continue = to continue to { $app }
login-submit = Sign in
login-forgot = Forgot your password?
login-no-account = New here?
login-sign-up = Create an account
or = or
login-by-code = Sign in with a code by e‑mail
login-expired = This page had expired, or your browser blocks cookies. Please sign in again.
login-email-missing = Enter your e-mail address.
login-password-missing = Enter your password.
login-wrong = That e-mail and password do not match.
login-again = To go on, prove once more that it is you.
login-verified = Your address is verified. You can sign in now.
login-password-set = Your new password is set. Sign in with it.
wait-seconds = { $count ->
    [one] one second
   *[other] { $count } seconds
}
wait-minutes = { $count ->
    [one] one minute
   *[other] { $count } minutes
}

## Signing in by a provider

refused-expired-title = This sign‑in has expired
refused-expired-text = It was finished already, took longer than half an hour, or was begun in another browser or tab.
refused-expired-advice = Nothing has changed. Begin again here, or from the application you came from.
refused-cancelled-title = You cancelled at the last step
refused-cancelled-text = { $provider } told us nothing, and nothing has changed.
refused-cancelled-advice = Try again, or choose another way to sign in.
refused-by-provider-title = { $provider } did not sign you in
refused-by-provider-text = { $provider } ended the sign-in with an error of its own.
refused-by-provider-advice = Try again in a moment. If it happens again, tell { $tenant }.
refused-disabled-title = This account is switched off
refused-disabled-text = { $tenant } has disabled the account that belongs to you at { $provider }.
refused-disabled-advice = Only { $tenant } can switch it on again: ask them.
refused-sign-up-closed-title = You have no account here yet
refused-sign-up-closed-text = { $tenant } makes accounts itself, and has none for { $email }.
refused-sign-up-closed-advice = Ask { $tenant } for an account. If you have one, sign in the way you usually do.
refused-unverified-title = Your address is not verified
refused-unverified-text = { $provider } has not checked that { $email } is yours, so it cannot be used here.
refused-unverified-advice = Verify the address at { $provider }, then try again, or sign in another way.
refused-unverified-account-title = This address has an account already
refused-unverified-account-text = { $provider } has not checked that { $email } is yours, so it cannot open that account.
refused-unverified-account-advice = Sign in the way you usually do. You can then link { $provider } on your account page.
refused-own-address-title = Verify your address first
refused-own-address-text = Nobody has shown yet that { $email } is yours. Until then your account gets no further way in.
refused-own-address-advice = On your account page you can have a link sent to it. Then link { $provider }.
refused-taken-title = This { $provider } account is linked elsewhere
refused-taken-text = It opens another account of { $tenant }.
refused-taken-advice = Unlink it there first, or choose another one.
refused-not-fresh-title = Please sign in again first
refused-not-fresh-text = Linked accounts are ways into yours, so we ask who you are before they change.
refused-not-fresh-advice = Sign in again, and then go on within ten minutes.
refused-other-account-title = That was another account
refused-other-account-text = You signed in at { $provider }, but not with what opens this account.
refused-other-account-advice = Nothing was linked. Begin again, and sign in with what you usually use here.
refused-silent-title = { $provider } does not answer
refused-silent-text = We could not ask { $provider } who you are.
refused-silent-advice = Try again in a minute, or sign in another way.
refused-misconfigured-title = { $provider } cannot be used at the moment
refused-misconfigured-text = It is not set up in a way that we can go along with.
refused-misconfigured-advice = Tell { $tenant }, and sign in another way until it is mended.
refused-unconfirmed-title = { $provider } did not confirm your sign‑in
refused-unconfirmed-text = This happens if a page is loaded twice, or took too long.
refused-unconfirmed-advice = Try again. If it happens again, tell { $tenant }.
refused-untrusted-title = We could not trust the answer from { $provider }
refused-untrusted-text = It did not pass our checks, so nobody was signed in.
refused-untrusted-advice = Try again. If it happens again, tell { $tenant } the reference below.
refused-domain-title = This address does not get in
refused-domain-text = You came as { $email }. { $tenant } lets in only verified addresses of { $domains }.
refused-domain-advice = Choose your { $tenant } account at { $provider }, or sign in another way.
refused-domain-unknown-title = This address does not get in
refused-domain-unknown-text = { $provider } did not say which address is yours. { $tenant } lets in only verified addresses of { $domains }.
refused-domain-unknown-advice = Choose your { $tenant } account at { $provider }, or sign in another way.
refused-no-email-title = { $provider } told us no address
refused-no-email-text = An account here needs an e-mail address that has been verified.
refused-no-email-advice = Allow it to share your address when it asks, or sign in another way.
refused-no-github-email-title = { $provider } told us no address
refused-no-github-email-text = An account here needs an e-mail address that has been verified.
refused-no-github-email-advice = At GitHub, open Settings, then Emails, verify your primary address, and try again.
way-again = Try again
way-other = Sign in another way
way-other-account = Use another account
way-sign-in = Sign in
way-other-at = Use another { $provider } account
way-account = Back to your account
way-overview = To your account
way-sign-in-again = Sign in again
provider-continue = Continue with { $provider }
provider-last-used = Last used
link-title = You have an account already
link-lead = Sign in to it once, the way you did before, and { $provider } opens it from then on.
link-account-of = The account is that of { $email }.
link-submit = Sign in and link { $provider }
link-no-proof = This account has neither a password nor another linked account. Choose a password for it first, by the mail that recovers an account, and then come back.
link-password-missing = Enter your password.
link-password-wrong = That is not the password of this account.
identities-title = Linked accounts
identities-lead = Each of these signs you in to { $tenant }.
identities-none = There is nothing to link here.
identities-used = Last used { $at }
identities-unlink = Unlink
identities-unlink-of = Unlink { $provider } { $name }
identities-only = Your only way in
identities-not-linked = Not linked
identities-link = Link
identities-link-of = Link { $provider }
identities-last = This is the only way to sign in to your account. Link another one, or choose a password, before you take it off.

## Signing in with a code

code-ask-title = Sign in with a code
code-ask-lead = We send six digits to your e-mail address.
code-ask-submit = Send the code
code-title = Enter the code
code-lead = If { $email } has an account, a code is on its way there. It works for ten minutes, in this browser.
code-label = Six-digit code
code-submit = Sign in
code-missing = Enter the six digits from the mail.
code-wrong = That is not the code. Look at the newest mail.
code-over-title = Ask for a new code
code-over-text = This code was tried too often, has expired, or was sent to another browser.
code-again = Send another code
code-with-password = Sign in with a password

## Signing up

sign-up-title = Create an account
sign-up-submit = Create account
sign-up-have-account = Have an account already?
sign-up-hint = At least { $least } characters. A few unrelated words are easy to remember and hard to guess.
sign-up-closed-title = Accounts are made by an admin
sign-up-closed-text = You cannot create an account here yourself. Ask an admin of { $tenant } to make one for you.
strength-weak = Easy to guess
strength-fair = A longer one is safer
strength-good = Looks good

## Mail is on its way

check-mail-title = Look at your mail
check-mail-verify = We have sent a letter to { $email }. Open the link in it to go on.
check-mail-needed = Before you go on, { $email } must be verified. Open the link in the letter that we sent there when you signed up, or have it sent again.
check-mail-recovery = If { $email } has an account, a letter with a link is on its way there. The link works for an hour.
check-mail-again = Send it again
check-mail-hint = Nothing there? It may take a minute, or lie among the unwanted mail.
check-mail-sent = Sent once more.
check-mail-delayed = Mail is delayed at the moment. Your letter goes out as soon as it can; there is no need to ask again.

## Verifying an address

verify-title = Verify your address
verify-lead = Confirm that { $email } is yours.
verify-submit = Yes, it is mine
verify-note = If you did not sign up here, close this page: nothing happens then. If you want the account all the same, take it over from whoever signed up:
verify-instead = Choose a password of your own
link-spent-title = This link does not work any more
link-spent-text = It was used already, has expired, or a newer one was sent.
link-spent-again = Send a new link

## A new password

forgot-title = Choose a new password
forgot-lead = We send you a link to choose a new one.
forgot-submit = Send the link
reset-title = Choose a new password
reset-lead = for { $email }
reset-submit = Set the new password
reset-note = You will be signed out everywhere else.

## Consent

consent-title = { $app } asks for access
consent-lead = It is not one of { $tenant }’s own apps.
consent-sees = If you allow it, { $app } can
consent-submit = Allow
consent-deny = Do not allow
consent-note = You can take this back at any time on your account page.
scope-openid = know who you are, by an identifier
scope-profile = see your name and picture
scope-email = see your e-mail address
scope-roles = see your roles
scope-offline-access = stay signed in for you
scope-upstream-tokens = use your accounts at the providers that you sign in with, in your name

## Continue as

confirm-title = Continue as { $user }
confirm-lead = to { $app }
confirm-signed-in = Signed in to { $tenant }
confirm-sees = { $app } will see
confirm-scope-profile = Your name and picture
confirm-scope-email = Your e-mail address
confirm-scope-roles = Your roles
confirm-scope-upstream-tokens = Your accounts at the providers that you sign in with
confirm-submit = Continue
confirm-switch = Use another account

## Going back to the app

form-post-title = Taking you back to { $app }…
form-post-lead = If nothing happens, press Continue.
form-post-submit = Continue

## Signing out

logout-title = Sign out
logout-heading = Sign out of { $tenant }?
logout-lead = You are signed in as { $email }
logout-submit = Sign out
logout-stay = Stay signed in
signed-out-title = Signed out
signed-out-heading = You are signed out
signed-out-lead = You can close this page.
signed-out-again = Sign in again

## The account

account-title = Your account
account-profile = Profile
account-name-save = Save
account-name-saved = Your name is saved.
account-email-verified = verified
account-email-unverified = not verified yet
account-email-change = Change
account-verify-again = Send a link to verify it
account-verify-sent = A link is on its way to your address.
account-password-set = Set a password
account-password-change = Change password
account-password-none = You have none: you sign in another way.
account-password-there = Set
account-roles = Roles
account-sessions = Where you are signed in
account-session-this = This browser
account-session-unknown = Unknown device
account-session-seen = Last used { $at }
account-session-from = · signed in from { $address }
account-session-end = End
account-session-end-of = End the session of { $device }
account-sessions-older = And older ones, which are not listed. They end too when you sign out everywhere else.
account-sessions-end = Sign out everywhere else
account-sessions-ended = Done. Those sessions have ended.
account-apps = Apps
account-apps-none = No app holds access to your account.
account-app-used = Last used { $at }
account-app-unused = Not used at the moment
account-app-remove = Remove access
account-app-remove-of = Remove the access of { $app }
account-app-removed = Done. The app has no access any more.
account-identities = Linked accounts
account-identities-change = Sign in with other accounts of yours
account-data = Your data
account-download = Download my data
account-delete = Delete my account
account-sign-out = Sign out
account-leaving = Your account will be deleted on { $at }.
account-keep = Keep my account
account-kept = Your account stays.
password-changed = Your password is changed. You are signed out everywhere else.

## Changing password, address, and leaving

password-title = Choose a new password
password-submit = Save the password
email-title = Change your e‑mail address
email-lead = Now it is { $email }. We send a link to the new one; it changes when you open it there.
email-new = New e-mail address
email-submit = Send the link
email-confirm-title = Use this address
email-confirm-lead = Your account’s address will be { $email }.
email-confirm-submit = Change the address
email-elsewhere-title = Sign in to your account first
email-elsewhere-text = An address is changed in a browser that is signed in to the account which asked for it. Sign in to it here, and open the link in the letter again. If you asked for nothing, you need do nothing.
email-elsewhere-way = To my account
email-changed-title = Your address is changed
email-changed-text = From now on, sign in with { $email }.
delete-title = Delete your account?
delete-lead = Your account { $email } at { $tenant } will be deleted, with all that belongs to it.
delete-grace = { $days ->
    [0] It will be deleted within minutes, and nobody can bring it back.
    [one] You have one day to change your mind: sign in and choose to keep it.
   *[other] You have { $days } days to change your mind: sign in and choose to keep it.
}
delete-submit = Delete my account

## What is wrong with a field

problem-field-missing = This is required.
problem-field-not-text = This must be a string.
problem-field-delivery = This is body or cookie.
problem-link-spent = This link was used already or has expired. Ask for a new one.
problem-email-empty = Enter an e-mail address.
problem-email-long = This e-mail address is too long: 254 characters at most.
problem-email-malformed = Enter a single e-mail address, such as name@example.com.
problem-email-taken = This address has an account already. Sign in instead.
problem-email-same = This is your address already.
problem-name = A name is 1 to 200 characters, without line breaks.
problem-password-short = Use at least { $least } characters. A few unrelated words are easy to remember and hard to guess.
problem-password-long = Use at most 1,024 characters.
problem-password-unusable = This password holds a character that cannot be typed. Enter it by hand.
problem-password-common = This password is easy to guess. Choose a longer one, such as a few unrelated words.
problem-password-own = This password is easy to guess from your name, your e-mail address or this service’s name. Leave them out.

## Errors

error-reference = Reference:
link-no-client = The link that brought you here does not say which application it is for.
link-unknown-client = The application that sent you here is not known here.
link-no-redirect-uri = The application did not say where to send you after signing in.
link-unregistered-uri = The application asked to send you to an address that is not registered for it.
link-unreadable = The link that brought you here cannot be read.
link-too-long = The link that brought you here has too many parts.
link-file-too-large = The file is larger than 1 MB.
link-too-large = What was sent is larger than this page takes.
link-not-in-order = What was sent here is not in order.
sign-out-repeated = The sign-out link names a parameter twice.
sign-out-bad-hint = The sign-out link carries a token that this service did not issue.
sign-out-unknown-client = The application in the sign-out link is not known here.
sign-out-no-client = The sign-out link does not say which application it is from, so it cannot send you back there.
error-link-title = This link does not work
error-link-advice = Go back to the application and try again. If it happens again, tell its makers.
error-refused-title = That could not be saved
error-refused-advice = Go back and try again: what you typed is still there.
error-not-allowed-title = You may not do that
error-not-allowed-text = Your role in this tenant does not allow it.
error-not-allowed-advice = An owner of the tenant can give you another role.
error-nowhere-title = There is nothing here
error-nowhere-text = It was deleted, or it belongs to a tenant that you are not a member of.
error-nowhere-advice = An owner of the tenant can make you a member.
error-nowhere-way = To your tenants
error-forged-title = This form has expired
error-forged-text = The form was sent from another page, or your browser did not send its cookie along.
error-forged-advice = Open the page again and fill it in once more. Cookies must be allowed for this site.
error-forged-way = Open the page again
error-no-provider-title = This way of signing in is not offered
error-no-provider-text = It was taken away, or the link that brought you here is wrong.
error-no-provider-advice = Sign in another way. Your account is as it was.
error-stale-title = This sign‑in has expired
error-stale-text = It was finished already, took longer than an hour, or was begun in another browser.
error-stale-advice = Go back to the application and sign in from there again.
error-again-title = Please try again
error-away-text = We cannot answer at the moment.
error-away-advice = Nothing is lost. Try again in a few seconds.
error-internal-text = Something went wrong on our side.
error-internal-advice = Try again; if it stays, tell us the reference below.
error-wait-title = Wait a moment
error-wait-text = Too many tries. Wait { $wait } and try again.
error-wait-recover = Choose a new password by mail
error-wait-code = Sign in with a code by e‑mail
error-wait-advice = This protects your account. Where you are signed in already, you stay signed in.

## Development

welcome-title = Welcome
welcome-heading = Doorward is running
welcome-lead = This is the development server. Here is where to click.
welcome-tenant = Tenant
welcome-sign-in = Sign in
welcome-sign-in-to = Sign in to { $tenant }
welcome-issuer = Issuer
welcome-client-id = Client id
welcome-client-secret = Client secret
welcome-discovery = Discovery
welcome-keys = Signing keys
welcome-mailbox = Mailbox
mailbox-title = Mailbox
mailbox-lead = The development server sends no mail. It keeps the letters here, the newest first.
mailbox-empty = No letters yet. Sign up, or ask for a new password.
mailbox-to = To { $address }
mailbox-from = From { $name }

## Letters

mail-verify-email-subject = Verify your address for { $tenant }
mail-verify-email-text = Welcome to { $tenant }. Please confirm that this address is yours.
mail-verify-email-action = Verify my address
mail-verify-email-note = The link works for a day. If you did not sign up at { $tenant }, ignore this letter.
mail-account-exists-subject = You have an account at { $tenant }
mail-account-exists-text = Somebody, maybe you, wanted to use this address for an account at { $tenant }. It has one already.
mail-account-exists-action = Sign in
mail-account-exists-note = You can choose a new password on the sign-in page. If it was not you, there is nothing to do.
mail-finish-sign-up-text = Somebody, maybe you, signed up at { $tenant } with this address. Choose a password to make the account yours.
mail-finish-sign-up-action = Choose a password
mail-finish-sign-up-note = The link works once, for an hour. If you did not sign up at { $tenant }, ignore this letter: nobody can use the account.
mail-reset-password-subject = A new password for { $tenant }
mail-reset-password-text = Choose a new password for your account at { $tenant }.
mail-reset-password-action = Choose a new password
mail-reset-password-note = The link works once, for an hour. If you did not ask for it, ignore this letter; your password stays.
mail-change-email-subject = Your new address for { $tenant }
mail-change-email-text = Confirm that you want to use this address for your account at { $tenant }. Open the link in the browser that is signed in to it.
mail-change-email-action = Use this address
mail-change-email-note = The link works for an hour. If you did not ask for it, ignore this letter.
mail-sign-in-code-subject = Your code for { $tenant }
mail-sign-in-code-text = Enter this code where you are signing in:
mail-sign-in-code-note = It works for ten minutes. Give it to nobody. If you are not signing in, ignore this letter.
mail-password-changed-subject = Your password at { $tenant } was changed
mail-password-changed-text = Your password at { $tenant } was changed, and you were signed out everywhere else.
mail-email-changed-subject = Your address at { $tenant } was changed
mail-email-changed-text = Your account at { $tenant } has another e-mail address now. Letters no longer come here.
mail-email-changed-note = If that was not you, write to { $address } at once: this address opens your account no more.
mail-email-changed-note-unaddressed = If that was not you, write to { $tenant } at once: this address opens your account no more.
mail-deletion-planned-subject = Your account at { $tenant } will be deleted
mail-deletion-planned-text = You asked for your account at { $tenant } to be deleted. That happens on { $at }.
mail-deletion-planned-keep = Until then you can sign in and choose to keep it.
mail-account-claimed-subject = Your account at { $tenant } is yours now
mail-account-claimed-text = An account with your address was there before you proved that the address is yours. It is yours now; its old password and sessions work no more.
mail-identity-linked-subject = A new way to sign in at { $tenant }
mail-identity-linked-text = Another way to sign in was added to your account at { $tenant }.
mail-identity-unlinked-subject = A way to sign in was removed at { $tenant }
mail-identity-unlinked-text = A way to sign in was taken off your account at { $tenant }. Other devices that came in by it were signed out.
mail-not-you-note = If that was not you, choose a new password at once: { $url }
mail-invitation-subject = Your account at { $tenant }
mail-invitation-text = An account at { $tenant } was made for you. Choose a password to use it.
mail-invitation-action = Choose a password
mail-invitation-note = The link works once, for a week. If you do not know { $tenant }, ignore this letter.
mail-membership-subject = You were added to a tenant in { $tenant }
mail-membership-text = You may now see { $name } in the console.
mail-membership-action = Open the console
mail-test-subject = A test from { $tenant }
mail-test-text = Mail from { $tenant } arrives.
