#ifndef COAUTH_SHARED_TOKENS_HPP
#define COAUTH_SHARED_TOKENS_HPP

#include <coauth/export.hpp>
#include <coauth/observer.hpp>
#include <coauth/result.hpp>
#include <coauth/secret_provider.hpp>
#include <coauth/token_fetcher.hpp>
#include <coauth/token_store.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace coauth
{

namespace detail
{

class shared_fetcher;

} // namespace detail

/// Options of `shared_tokens`. A plain aggregate. Only `keys` is required.
struct shared_tokens_options
{
    /// Returns the keys that encrypt the records: one a line, each 32 random bytes in base64, as
    /// `openssl rand -base64 32` makes them. An id and a colon may stand before a key; each key has
    /// an id of its own. Empty lines and lines that begin with `#` are ignored.
    ///
    /// The first key encrypts, and all decrypt: to rotate them, add the new key at the end
    /// everywhere, then move it to the front, then remove the old one. `secret_from_file` reads
    /// them from a file, which may be replaced while the program runs. Called for each fetch; while
    /// it fails, or returns no valid keys, the last valid ones remain in use. There is no default:
    /// without a key, every fetch fails with `errc::invalid_configuration`.
    secret_provider keys = {};
    /// What names in the store begin with: 1 to 64 characters of `A-Z a-z 0-9 . _ - :`.
    std::string prefix = "coauth";
    /// Stands for what defines the tokens and is not visible to the library; the same in all
    /// processes that share. Required for a `token_fetcher` that is a function, and for tokens
    /// about which a function decides who gets them: a client assertion without a client id, and a
    /// `token_request` with values from functions. Without it the latter are not shared.
    std::string identity = {};
    /// Time limit of each operation of the store. From 1 ms to 10 s. All operations before a fetch
    /// together take at most twice as long.
    std::chrono::milliseconds store_timeout{100};
    /// How long a process that is killed while it fetches delays the others. At least twice
    /// `store_timeout`, at most 10 minutes. A fetch that takes longer renews its claim.
    std::chrono::milliseconds lease{10'000};
};

/// Counters of the operations of a token store.
struct store_operation_counts
{
    /// Operations that ended.
    std::uint64_t ended = 0;
    /// Of these, those that failed.
    std::uint64_t failed = 0;
    /// The sum of their durations.
    std::chrono::nanoseconds duration{0};
};

/// Counters of `shared_tokens` since they were created.
struct shared_tokens_counters
{
    /// Fetches that got their token from the store.
    std::uint64_t hits = 0;
    /// Fetches that got the failure of another process from the store.
    std::uint64_t shared_failures = 0;
    /// Claims that were won: this process fetched for all.
    std::uint64_t claims_won = 0;
    /// Fetches that found that another process had the claim.
    std::uint64_t claims_held = 0;
    /// Claims that were lost before the token could be published.
    std::uint64_t claims_lost = 0;
    /// Fetches that waited for another process.
    std::uint64_t waits = 0;
    /// Fetches that went on without the store, because it failed.
    std::uint64_t bypasses = 0;
    /// Tokens that were published.
    std::uint64_t published = 0;
    /// Records that could not be used, and were replaced.
    std::uint64_t unusable_records = 0;
    /// The operations of the store, such as `operations[std::size_t(store_operation::load)]`.
    std::array<store_operation_counts, 6> operations = {};
};

/// Shares tokens with the other processes of a fleet through a `token_store`: of a thousand
/// processes that want the same token, one fetches it. It is a `token_fetcher` before a client, or
/// before another `token_fetcher`.
///
/// \code
/// coauth::shared_tokens_options options;
/// options.keys = coauth::secret_from_file("/run/secrets/token-keys");
/// coauth::shared_tokens const shared(client, store, options);
///
/// coauth::token_source tokens(shared, coauth::token_request().scope("read"));
/// \endcode
///
/// A call for which the token source has a token does not touch the store. A fetch first looks into
/// the store. If there is no token that lives long enough, it claims to be the one who fetches, and
/// publishes what it gets: the token, or that the authorization server failed, so that the others
/// send no request before a back-off has passed. Whoever finds that another has the claim waits
/// for the record. A process that dies while it fetches delays the others until its claim ends.
///
/// Sharing is never worse than fetching: if the store fails or is slow, the fetch goes on without
/// it, and after three failures in a row the store is left alone for one to four seconds. A record
/// that cannot be decrypted counts as none.
///
/// If an API rejects the token (`token_source::invalidate`), it is removed from the store, unless
/// another has replaced it already.
///
/// \par What is shared
/// Tokens whose lifetime is more than a second longer than a margin of 30 s, or of a tenth if that
/// is less. A token without a known end is shared for an hour. Never shared are refresh tokens and
/// what comes from them, and tokens that may be used once. Tokens are shared only by processes that
/// have the same issuer or token endpoint, client id, grant, scope, audiences, resources, further
/// parameters and `client_config::headers`, the same DPoP key and the same client certificate.
///
/// \par What the store sees
/// Digests as names, and records encrypted by AES-256-GCM with the name as additional data. Whoever
/// can write there, but has no key, can at most cause fetches, or put back a record of the same
/// name that was there before, until a day after its life.
///
/// A handle that is cheap to copy; copies share the state.
///
/// \par Thread safety
/// All functions may be called from any thread at the same time.
class COAUTH_DECL shared_tokens
{
public:
    /// Shares the tokens of `fetcher`, which may simply be a client. It runs on the same executor,
    /// and sends events to the same observer. Invalid options are not exceptions: `validate()` and
    /// every fetch return the error.
    ///
    /// \param fetcher Gets the tokens that are not in the store. A client may be moved afterwards.
    /// \param store The store; shared with other `shared_tokens`, if you like.
    /// \param options The keys, and more.
    shared_tokens(
        token_fetcher const& fetcher, std::shared_ptr<token_store> store,
        shared_tokens_options options);

    /// The fetcher to make a `token_source` of. Its time limit is twice that of the other fetcher,
    /// and the lease: it may wait for another process, and then fetch itself.
    operator token_fetcher() const;

    /// Success, or the error in the options. Calls `shared_tokens_options::keys`.
    [[nodiscard]] result<void> validate() const;
    /// The counters since construction.
    [[nodiscard]] shared_tokens_counters counters() const;

private:
    std::shared_ptr<detail::shared_fetcher> impl_;
};

} // namespace coauth

#endif
