#ifndef COAUTH_AS_ERROR_CODE_HPP
#define COAUTH_AS_ERROR_CODE_HPP

#include <coauth/error.hpp>
#include <coauth/result.hpp>

#include <boost/asio/associator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

#include <type_traits>
#include <utility>

namespace coauth
{

/// The completion token that `as_error_code` returns.
template <class CompletionToken>
class as_error_code_t
{
public:
    /// Wraps a completion token.
    explicit as_error_code_t(CompletionToken adapted) : token(std::move(adapted)) {}

    /// The wrapped completion token.
    CompletionToken token;
};

/// Adapts a completion token to receive `(boost::system::error_code, T)` in place of `result<T>`.
///
/// Asio's `||`, `wait_for_one_success` and `redirect_error` take an operation for failed if its
/// first argument is an error code. They do not look into a `result`: a failed one counts as a
/// success.
///
/// \code
/// using namespace asio::experimental::awaitable_operators;
/// auto first = co_await (
///     tokens.async_get_access_token(coauth::as_error_code(asio::use_awaitable)) ||
///     client.async_get_access_token({}, coauth::as_error_code(asio::use_awaitable)));
/// \endcode
///
/// The error code is `error::code()`; the other details of the error are lost. `T` is then
/// default-constructed. For operations that complete with `result<void>` it is the error code
/// alone.
template <class CompletionToken>
[[nodiscard]] as_error_code_t<std::decay_t<CompletionToken>> as_error_code(CompletionToken&& token)
{
    return as_error_code_t<std::decay_t<CompletionToken>>(std::forward<CompletionToken>(token));
}

namespace detail
{

template <class Handler>
class as_error_code_handler
{
public:
    explicit as_error_code_handler(Handler handler) : handler_(std::move(handler)) {}

    template <class T>
    void operator()(result<T> outcome)
    {
        auto const code = outcome ? boost::system::error_code() : outcome.error().code();
        if constexpr (std::is_void_v<T>)
            std::move(handler_)(code);
        else
            std::move(handler_)(code, outcome ? std::move(*outcome) : T());
    }

    [[nodiscard]] Handler const& handler() const noexcept { return handler_; }

private:
    Handler handler_;
};

template <class Initiation, class = void>
struct initiation_executor
{
};
template <class Initiation>
struct initiation_executor<Initiation, std::void_t<typename Initiation::executor_type>>
{
    using executor_type = typename Initiation::executor_type;
};

// Has an executor if the initiation has one.
template <class Initiation>
class as_error_code_initiation : public initiation_executor<Initiation>
{
public:
    explicit as_error_code_initiation(Initiation initiation) : initiation_(std::move(initiation)) {}

    [[nodiscard]] auto get_executor() const noexcept
        requires requires(Initiation const& from) { from.get_executor(); }
    {
        return initiation_.get_executor();
    }

    template <class Handler, class... Arguments>
    void operator()(Handler&& handler, Arguments&&... arguments) &&
    {
        std::move(initiation_)(
            as_error_code_handler<std::decay_t<Handler>>(std::forward<Handler>(handler)),
            std::forward<Arguments>(arguments)...);
    }
    template <class Handler, class... Arguments>
    void operator()(Handler&& handler, Arguments&&... arguments) const&
    {
        initiation_(
            as_error_code_handler<std::decay_t<Handler>>(std::forward<Handler>(handler)),
            std::forward<Arguments>(arguments)...);
    }

private:
    Initiation initiation_;
};

template <class T>
struct error_code_signature
{
    using type = void(boost::system::error_code, T);
};
template <>
struct error_code_signature<void>
{
    using type = void(boost::system::error_code);
};

} // namespace detail
} // namespace coauth

/// \cond
template <class CompletionToken, class T>
class boost::asio::async_result<coauth::as_error_code_t<CompletionToken>, void(coauth::result<T>)>
{
    using signature = typename coauth::detail::error_code_signature<T>::type;

public:
    template <class Initiation, class Token, class... Arguments>
    static auto initiate(Initiation&& initiation, Token&& adapted, Arguments&&... arguments)
    {
        // The adapted token may be const.
        using token_type = std::remove_reference_t<decltype((adapted.token))>;
        return boost::asio::async_initiate<token_type, signature>(
            coauth::detail::as_error_code_initiation<std::decay_t<Initiation>>(
                std::forward<Initiation>(initiation)),
            adapted.token, std::forward<Arguments>(arguments)...);
    }
};

template <template <class, class> class Associator, class Handler, class Default>
struct boost::asio::associator<Associator, coauth::detail::as_error_code_handler<Handler>, Default>
    : Associator<Handler, Default>
{
    static auto get(coauth::detail::as_error_code_handler<Handler> const& adapted) noexcept
    {
        return Associator<Handler, Default>::get(adapted.handler());
    }
    static auto
    get(coauth::detail::as_error_code_handler<Handler> const& adapted,
        Default const& fallback) noexcept
    {
        return Associator<Handler, Default>::get(adapted.handler(), fallback);
    }
};

/// \endcond

#endif
