#ifndef COAUTH_TOKEN_REFUSED_HPP
#define COAUTH_TOKEN_REFUSED_HPP

#include <coauth/export.hpp>

#include <string>
#include <string_view>

namespace coauth
{

/// True when the answer of an API says that the access token is not good, or not any more: status
/// 401, unless its challenges (WWW-Authenticate) name errors other than `invalid_token` (RFC 6750
/// section 3.1). A 401 without a challenge refuses the token too.
[[nodiscard]] COAUTH_DECL bool
token_refused(unsigned status, std::string_view www_authenticate) noexcept;

/// The same of an answer that is a message of Boost.Beast, or has its `result_int()`, and its
/// `equal_range` (then all challenges are looked at, in however many fields they come) or
/// `operator[]`.
struct answer_refuses_token
{
    template <class Answer>
    [[nodiscard]] bool operator()(Answer const& answer) const
    {
        if constexpr (requires { answer.equal_range("WWW-Authenticate").first->value(); })
        {
            // Fields of one name are one list (RFC 9110 section 5.3).
            std::string challenges;
            auto const [begin, end] = answer.equal_range("WWW-Authenticate");
            for (auto field = begin; field != end; ++field)
                challenges.append(challenges.empty() ? "" : ", ").append(field->value());
            return token_refused(answer.result_int(), challenges);
        }
        else
            return token_refused(answer.result_int(), answer["WWW-Authenticate"]);
    }
};

} // namespace coauth

#endif
