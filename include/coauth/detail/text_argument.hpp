#ifndef COAUTH_DETAIL_TEXT_ARGUMENT_HPP
#define COAUTH_DETAIL_TEXT_ARGUMENT_HPP

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

namespace coauth::detail
{

// A text argument: anything that converts to std::string. A null pointer, which `std::getenv`
// returns for a variable that is not set, is empty text.
class text_argument
{
public:
    text_argument() = default;
    text_argument(char const* text) : text_(text != nullptr ? text : "") {}
    template <class T>
        requires(
            !std::same_as<std::remove_cvref_t<T>, text_argument> &&
            !std::convertible_to<T, char const*> && std::convertible_to<T, std::string>)
    text_argument(T&& text) : text_(std::forward<T>(text))
    {
    }

    operator std::string() && { return std::move(text_); }

private:
    std::string text_;
};

} // namespace coauth::detail

#endif
