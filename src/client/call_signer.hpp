#ifndef COAUTH_SRC_CLIENT_CALL_SIGNER_HPP
#define COAUTH_SRC_CLIENT_CALL_SIGNER_HPP

#include <coauth/result.hpp>
#include <coauth/signing_key.hpp>

#include "values/make_error.hpp"

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::detail
{

// `key` as in messages: "the key".
inline error signer_error(std::string_view key, char const* what) noexcept
{
    try
    {
        return config_error("the signer function of " + std::string(key) + what);
    }
    catch (...)
    {
        return error(errc::out_of_memory);
    }
}

// What the copies of a signer's callback share. If all are destroyed without a call, the signature
// has failed.
template <class Complete>
class signer_callback
{
public:
    signer_callback(std::string_view key, Complete complete)
        : key_(key)
        , complete_(std::move(complete))
    {
    }
    ~signer_callback()
    {
        if (!called_)
            complete_(signer_error(key_, " gave up without a response"));
    }
    signer_callback(signer_callback const&) = delete;
    signer_callback& operator=(signer_callback const&) = delete;

    void operator()(result<std::string> signature) noexcept
    {
        called_ = true;
        complete_(std::move(signature));
    }

private:
    std::string_view const key_;
    Complete const complete_;
    std::atomic<bool> called_{false};
};

// Calls a function of the user, under no lock. `complete` must not throw, and may be called more
// than once: the first call counts. `key` must be a literal.
template <class Complete>
void call_signer(
    signer_function const& sign, std::string input, std::string_view key, Complete const& complete)
{
    // Declared outside: it must not complete before the exception does.
    std::shared_ptr<signer_callback<Complete>> callback;
    try
    {
        callback = std::make_shared<signer_callback<Complete>>(key, complete);
        sign(
            std::move(input),
            [callback](result<std::string> signature) { (*callback)(std::move(signature)); });
    }
    catch (std::bad_alloc const&)
    {
        complete(error(errc::out_of_memory));
    }
    catch (...)
    {
        complete(signer_error(key, " threw an exception"));
    }
}

} // namespace coauth::detail

#endif
