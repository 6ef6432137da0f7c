#ifndef COAUTH_REDIS_TOKEN_STORE_HPP
#define COAUTH_REDIS_TOKEN_STORE_HPP

#include <coauth/client_config.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret_provider.hpp>
#include <coauth/token_store.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <string>
#include <utility>

namespace coauth
{

namespace redis
{

class store;

} // namespace redis

/// Options of a `redis_token_store`. A plain aggregate.
struct redis_options
{
    /// "redis://host:port" without TLS, or "rediss://host:port" with it. A user, a password and the
    /// number of a database may be part of it: "rediss://user:password@host:6379/2". Default port:
    /// 6379. Required.
    ///
    /// Without TLS the password, and the names of records, are sent unencrypted. Records are
    /// encrypted anyway.
    std::string url;
    /// The user of the ACL, in place of that in the URL. Empty: the default user.
    std::string user = {};
    /// Returns the password, in place of that in the URL. It is called for each new connection, and
    /// a connection that the server no longer accepts is replaced: the password may be changed
    /// while the program runs. Empty: no password.
    secret_provider password = {};
    /// What stands before the names of records in the keys of the server: at most 100 printable
    /// characters without braces and spaces. Names have a prefix of their own already
    /// (`shared_tokens_options::prefix`), for an ACL such as `~coauth:*`.
    std::string prefix = {};
    /// Trusted CAs and the client's certificate, for "rediss://". The server's certificate chain
    /// and host name are always verified.
    tls_options tls = {};
    /// Resolves host names. Empty: the system's resolver does.
    resolver_function resolver = {};
};

/// A `token_store` on Redis 6 or later, on Valkey, or on a cluster of either. In the target
/// `coauth::redis`.
///
/// \code
/// coauth::redis_options options;
/// options.url = "rediss://redis.example:6379";
/// options.user = "coauth";
/// options.password = coauth::secret_from_file("/run/secrets/redis");
/// coauth::redis_token_store store(context, options);
/// \endcode
///
/// All operations share one connection to each server, on which commands do not wait for each
/// other. It is opened by the first operation, and again by a later one when it has broken; after a
/// failure not before a back-off of at most 0.5 s, during which operations fail at once. The host
/// name is resolved anew each time, and a server that has become a read-only replica is left: so a
/// name that moves at failover is followed. A cluster's redirections are followed too.
///
/// The user needs the commands `get`, `set`, `del`, `pttl`, `pexpire`, `exists` and `getrange`, and
/// `evalsha` and `eval` for four short scripts; `select` for a database other than 0, `asking` in a
/// cluster. Where scripts are forbidden it does with plain commands: a claim is then not renewed
/// and ends with its lease alone, `async_publish` does not look who holds the claim, and
/// `async_remove_if` removes nothing. That costs further fetches, but no token.
///
/// Errors: those of a connection; `errc::access_denied` if the server refuses the user, the
/// password or a command; `errc::temporarily_unavailable` if it cannot serve now, such as one that
/// is read-only, out of memory or starting; `errc::server_error` for its other errors;
/// `errc::malformed_response` and `errc::response_too_large` for what is not a reply;
/// `errc::queue_full` beyond 10,000 commands that wait.
///
/// Invalid options are not exceptions: every operation returns the error.
///
/// \par Thread safety
/// All functions may be called from any thread at the same time. When it is destroyed, its
/// operations complete with `errc::cancelled`. An idle connection is not outstanding work of the
/// execution context.
class COAUTH_DECL redis_token_store final : public token_store
{
public:
    /// A store that runs on this executor. Opens no connection.
    redis_token_store(executor_type executor, redis_options options);
    /// The same for an execution context.
    template <class ExecutionContext>
        requires std::convertible_to<ExecutionContext&, boost::asio::execution_context&>
    redis_token_store(ExecutionContext& context, redis_options options)
        : redis_token_store(executor_type(context.get_executor()), std::move(options))
    {
    }
    /// Its operations complete with `errc::cancelled`.
    ~redis_token_store() override;

    /// Success, or `errc::invalid_configuration` with a message that says what to change. Reads the
    /// files of `redis_options::tls`; opens no connection.
    [[nodiscard]] result<void> validate() const;

private:
    void start_load(std::string name, time_point deadline, load_handler handler) override;
    void start_claim(
        std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
        store_handler handler) override;
    void start_renew(
        std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
        store_handler handler) override;
    void start_publish(
        std::string name, std::string owner, std::string record, std::chrono::milliseconds life,
        time_point deadline, store_handler handler) override;
    void start_release(
        std::string name, std::string owner, time_point deadline, store_handler handler) override;
    void start_remove_if(
        std::string name, std::string digest, time_point deadline, store_handler handler) override;

    std::shared_ptr<redis::store> store_;
};

} // namespace coauth

#endif
