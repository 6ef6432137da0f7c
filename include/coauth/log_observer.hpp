#ifndef COAUTH_LOG_OBSERVER_HPP
#define COAUTH_LOG_OBSERVER_HPP

#include <coauth/export.hpp>
#include <coauth/observer.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace coauth
{

/// The weight of a log line, in ascending order.
enum class log_level
{
    /// A step of an operation: a phase, a connection, the start of an attempt, a token served.
    debug,
    /// A token arrived, or something went on by itself: a retry, a second connection beside a
    /// silent one, a fetch that nobody waited for.
    info,
    /// An operation failed, but a token source still returns its token; or an API rejected a token.
    warning,
    /// A token source has no token that it could return.
    error,
};

/// The name of the level, such as `"warning"`.
[[nodiscard]] COAUTH_DECL std::string_view to_string(log_level level) noexcept;

/// Writes one line for each event to a log. No line contains a secret.
///
/// \code
/// auto const write = [](coauth::log_level level, std::string_view line)
/// { std::clog << to_string(level) << ' ' << line << '\n'; };
///
/// coauth::client_config config;
/// config.name = "billing";
/// config.observer = std::make_shared<coauth::log_observer>(coauth::log_level::info, write);
/// \endcode
///
/// A line begins with the client's name, the endpoint and the number of the operation
/// (`event_context`), and has no line break:
///
///     billing https://auth.example.com/token #7: attempt 1 failed after 31 ms; next in 250 ms: ...
///
/// May be shared by several clients and token sources. A class derived from it may override single
/// functions.
class COAUTH_DECL log_observer : public observer
{
public:
    /// Receives the level and the text of a line, without a line break at its end.
    using write_function = std::function<void(log_level level, std::string_view line)>;

    /// Creates an observer.
    ///
    /// \param least Events of a lower level cost nothing and are not written.
    /// \param write Called from the threads of the clients, possibly several at once; must not
    ///     block. Exceptions from it are ignored.
    log_observer(log_level least, write_function write);
    /// Releases the function.
    ~log_observer() override;

    /// `log_level::debug`; with a failure too, which `attempt_failed` reports.
    void on_phase_ended(phase_ended const& event) override;
    /// `log_level::debug`.
    void on_connection_opened(connection_opened const& event) override;
    /// `log_level::debug`.
    void on_connection_reused(connection_reused const& event) override;
    /// `log_level::info`.
    void on_request_hedged(request_hedged const& event) override;
    /// `log_level::debug`.
    void on_connection_closed(connection_closed const& event) override;
    /// `log_level::debug`.
    void on_attempt_started(attempt_started const& event) override;
    /// `log_level::info` if there is a further attempt or the operation was cancelled, else
    /// `log_level::warning`.
    void on_attempt_failed(attempt_failed const& event) override;
    /// `log_level::info`.
    void on_token_received(token_received const& event) override;
    /// `log_level::debug`.
    void on_fetch_started(fetch_started const& event) override;
    /// `log_level::info`.
    void on_fetch_succeeded(fetch_succeeded const& event) override;
    /// `log_level::warning` while the previous token is returned, else `log_level::error`.
    void on_fetch_failed(fetch_failed const& event) override;
    /// `log_level::warning`.
    void on_token_invalidated(token_invalidated const& event) override;
    /// `log_level::info`.
    void on_fetch_abandoned(fetch_abandoned const& event) override;
    /// `log_level::debug`.
    void on_token_served(token_served const& event) override;
    /// `log_level::debug`; with a failure too, which `store_bypassed` reports.
    void on_store_operation_ended(store_operation_ended const& event) override;
    /// `log_level::info`.
    void on_shared_token_found(shared_token_found const& event) override;
    /// `log_level::debug`; for a claim that was lost `log_level::info`.
    void on_claim_ended(claim_ended const& event) override;
    /// `log_level::warning`.
    void on_store_bypassed(store_bypassed const& event) override;
    /// `log_level::warning`.
    void on_record_unusable(record_unusable const& event) override;

private:
    template <class Text>
    void write(log_level level, event_context const& context, Text const& text) const;

    log_level least_;
    write_function write_;
};

} // namespace coauth

#endif
