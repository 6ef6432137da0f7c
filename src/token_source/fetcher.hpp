#ifndef COAUTH_SRC_TOKEN_SOURCE_FETCHER_HPP
#define COAUTH_SRC_TOKEN_SOURCE_FETCHER_HPP

#include <coauth/token_fetcher.hpp>

#include "values/abortable.hpp"
#include "values/unique_id.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace coauth::detail
{

using token_handler = boost::asio::any_completion_handler<access_token_completion_signature>;

// What is behind a `token_fetcher`: a client, or a function of the user.
class fetcher
{
public:
    virtual ~fetcher() = default;
    fetcher(fetcher const&) = delete;
    fetcher& operator=(fetcher const&) = delete;

    // Starts a fetch. The result ends it while it runs. The handler is called on the executor, once
    // and not within this call, unless the context is destroyed before. `credentials_version`, if
    // not null, is set to the version of the credentials that were sent last.
    virtual std::weak_ptr<abortable> start(
        token_fetch what, token_handler handler,
        std::shared_ptr<std::uint64_t> credentials_version) = 0;

    // The time limit of a fetch.
    [[nodiscard]] virtual std::chrono::milliseconds timeout() const noexcept = 0;
    // May be null.
    [[nodiscard]] virtual std::shared_ptr<coauth::observer> const& observer() const noexcept = 0;
    // Of the events of its token sources. Valid as long as the fetcher.
    [[nodiscard]] virtual event_context context() const noexcept = 0;
    // Loads the credentials again. Returns the version of those in force; 0: there are none.
    virtual std::uint64_t refresh_credentials() { return 0; }
    // True if it is known what defines the tokens, but for what has to be said by the user.
    [[nodiscard]] virtual bool knows_identity() const noexcept { return false; }
    // What defines the tokens besides the request and the user's words, the same in every process
    // that may share them. None: they cannot be shared now.
    [[nodiscard]] virtual std::optional<std::string> identity() { return std::string(); }
    // No handler may be called any more.
    [[nodiscard]] virtual bool context_is_gone() const noexcept = 0;

    boost::asio::any_io_executor const executor;
    // Unique in this process. A client's number is also that of its fetchers.
    std::uint64_t const id;

protected:
    explicit fetcher(boost::asio::any_io_executor run_on, std::uint64_t number = unique_id())
        : executor(std::move(run_on))
        , id(number)
    {
    }
};

} // namespace coauth::detail

#endif
