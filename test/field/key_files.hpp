#ifndef COAUTH_TEST_FIELD_KEY_FILES_HPP
#define COAUTH_TEST_FIELD_KEY_FILES_HPP

// One P-256 key in the forms of other programs, and RSA-PSS keys; made with OpenSSL and OpenSSH.
// The pass-phrase is "open-sesame".

namespace test::key_files
{

// PKCS #8.
inline constexpr char const* p256 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8jKFYygK19r/z8gs\n"
    "PkZciAv55AiJZiQZYk6RbD+IYh+hRANCAARMVi7cNMCeohKMP99JZnIkv0uMCikk\n"
    "yTYM6pDg2hoN+iAMo1H+dcw48mq6M1d49VHKrc02G8IwOtJkxAZHr4Vo\n"
    "-----END PRIVATE KEY-----\n";

// PKCS #8 with the parameters of the curve in place of its name.
inline constexpr char const* explicit_parameters =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIBeQIBADCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAAB\n"
    "AAAAAAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA\n"
    "///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMV\n"
    "AMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg\n"
    "9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8A\n"
    "AAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBBG0wawIBAQQg8jKFYygK19r/\n"
    "z8gsPkZciAv55AiJZiQZYk6RbD+IYh+hRANCAARMVi7cNMCeohKMP99JZnIkv0uM\n"
    "CikkyTYM6pDg2hoN+iAMo1H+dcw48mq6M1d49VHKrc02G8IwOtJkxAZHr4Vo\n"
    "-----END PRIVATE KEY-----\n";

// As `openssl ecparam -genkey` writes them before a key.
inline constexpr char const* parameters = "-----BEGIN EC PARAMETERS-----\n"
                                          "BggqhkjOPQMBBw==\n"
                                          "-----END EC PARAMETERS-----\n";

// PKCS #8, encrypted with PBE-SHA1-RC2-40.
inline constexpr char const* rc2 =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGxMBwGCiqGSIb3DQEMAQYwDgQIVWf4VVYnfDUCAggABIGQ4z/+M1LshDYXwAgf\n"
    "j0oaaVe1InZaSMnblvKUzjAYgCrK2nmBKdr86Vw8dGEijZCTcx2sIgRmKXflQUJk\n"
    "wVP/1mqMhCZlk/IkYcKoYtZLrwX2OaBr/KU9ViAt80sVnP2ABLCpAKVeBl3InKf8\n"
    "tXk3uU8pJe5w/kjAFqqQQuHWjN5TKIMQuZ3ysQhrt1O/NUUW\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

// PKCS #8, encrypted with PBE-MD5-DES.
inline constexpr char const* md5_des =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGwMBsGCSqGSIb3DQEFAzAOBAhuppK4rNkidQICCAAEgZDe3ZrjVfJMAh5gMUYd\n"
    "rbPttz3fHSikcsOE92Jh5n98Ssor6/foRqaL6DrvsQ068a24rEW0tGoHblBQcMOo\n"
    "n8p+O1OxyV9+XgPnoMz8eO3ZHCkmwJhq16sAyF4HX3MUjGSzCz1jl08gYDix3jCC\n"
    "eZT0aSe/J4MuPtMonYj26kF1AYDl3MH8jl7dFm1knW+JTFY=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

// PKCS #8, encrypted with PBES2 and DES.
inline constexpr char const* pbes2_des =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHgMEsGCSqGSIb3DQEFDTA+MCkGCSqGSIb3DQEFDDAcBAgQlq2gxYrTIAICCAAw\n"
    "DAYIKoZIhvcNAgkFADARBgUrDgMCBwQI7kYzteJKlHoEgZDlIk1cLXDE2TziRJBy\n"
    "LQQ7azbYBpGvL+RJHirRvdzJ5Hq3hdKPNUCcivsKzWPguj2phvn+4qa6m91fM+bZ\n"
    "s2USRIyoOL1Zk08IpQ8xCCgUuG9osHBIRJtqrd/6tkyDDUjGQTdHL68etnaUBnB5\n"
    "DHOEjI3lchx0QNfJhUnsi7O8tcC2ENyvcoIoVM48uf3PUSg=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

// The traditional form, encrypted with DES.
inline constexpr char const* traditional_des =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: DES-CBC,50BF21C5DC2D1118\n"
    "\n"
    "wUc/ibZFhbfusm6ladvoqNDaXNn57ZpuHZjvNbmHnRL1sBy4TAydPCO0eLqB0s4G\n"
    "UpCOEHGSHcDhN7bv3vW43jQVtVplhh7JkmD7mioFz0CTqJclgcRXktYhbvIElMZO\n"
    "SmW0yTFjcmfcmCTFHyrLgrLNA5mVCTHdLoQZXO0Lu1A=\n"
    "-----END EC PRIVATE KEY-----\n";

// OpenSSH's own format; another key.
inline constexpr char const* openssh =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n"
    "1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQQmd2Rr7Y0GW7Vmulfq/MXVAuAX1/Ex\n"
    "ozXqg8MKc9QMlQjKfQQDVutjwqlFtHAM99Dll6bT9FBo894RWqVVES/YAAAAmP7qRMv+6k\n"
    "TLAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCZ3ZGvtjQZbtWa6\n"
    "V+r8xdUC4BfX8TGjNeqDwwpz1AyVCMp9BANW62PCqUW0cAz30OWXptP0UGjz3hFapVURL9\n"
    "gAAAAgQAGWOXA922CjXxQ1GgIyP6p2rVQy9UXq/GzczdFqFkAAAAAA\n"
    "-----END OPENSSH PRIVATE KEY-----\n";

// RSA-PSS without restrictions.
inline constexpr char const* rsa_pss =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvAIBADALBgkqhkiG9w0BAQoEggSoMIIEpAIBAAKCAQEA1Bz2GcfHFzWQPtPs\n"
    "KBRAd2jvQ3lGKfNMyOzkOLaogt9GViskffTh7JvF47kbDsRbltJzXWTgj8Vlxshc\n"
    "SpaHEbJ0FEptYG+wJmhUlw7XelUURNK3We0zol8jy2xn+B+CMN7p5wvxlbMFH0rN\n"
    "gNYtTnZ2GInWLRBRt4u6EPBQMEoqA1t7L56h/Cqmy0haWgvnfu2b3Weagl1WoLIp\n"
    "cy3IrDceezoh2HtzDRVGTFke3ElhFQ/E0L/Fa+ZssI30tueQb4j3+mKXORnnCZiV\n"
    "kfThgqrUZlelEs40pUVKKZEl2TnR2CI7s0eFRHJzU2mV3bsC2h0tgtsK/N/I9BRT\n"
    "RfE0EwIDAQABAoIBADKMxl/Fex5+XuaCNdUlYmmywdaoN772ozV9MzSK32T1Ffui\n"
    "I3u7GP587y/CpP6jcBplBCZdTKEmz4cMp+YEsqLWjxBo3mEtrOKyWXp4iIS4cvCl\n"
    "8RlGzNfk6ZBowOxigfHopgCwmX3uIInhF1GdeUWqOKHHc5ngukDOVWUFCG9BRg7k\n"
    "AnAjs/Iim7qleEB6MZ3B8ZrF3Dh0XoR+J2EDbrDvEtGsghoHN5fTP1qieeLag+OG\n"
    "lF5xTVvv1UHeOfl7InaNrsfAeR3pVTavvKJpsbxQNR05RRK2pazOb9GsgRdfmJus\n"
    "yQdnGROm85YqnlBbcbW6QOTvTbMbi4klMeaxt+ECgYEA/FvktCiFkJnizVND4UcH\n"
    "G/NUYQXZ9iKiIcGjskIlWNAeQZWmiplAucX+DqLDikGNCxtoQmHgV6ncvqufyILR\n"
    "6P0eCUlnr6DsJ46ATM45BjY+/HPEijtNCjuYyhARg9d/htHaa6hFrsbUpugZtPUM\n"
    "/tmM8Yj0Swg94clvzfe2jfMCgYEA1yxqv9iaYcJJ+4ZW/GovnVUKbVasQIYsqgsY\n"
    "iBqnhdvBu7vuJ1zXpb9R6Pa/MklycSq6nV78vSBnoPXu2v/8DXO+M1IdNGEOpPO1\n"
    "H2qSENjiIQsleFGlM+VIifcOYEouJMfCbdWWYUad1ehUYuemrf0SoSMhFSHG5QyN\n"
    "tDWwqWECgYEAzA5+OxM9FTTpyP9YNxQY8ofqpd12ZmmQ0lziweRskIkQvhWFKjNL\n"
    "vCwWB72jAeuJYf7SakL8hcYrYd4jAJ6Pn6b0n6vEdKZZ7o5yvihOwfAhND9kICZd\n"
    "YDXakSE3GHWrf9e2lzDkz7OlBiVNjB5OWNCPAEuuxfEvIKCikFiKO/MCgYBPASkE\n"
    "3cP5hvvhFXdU4Kww6WuVr9A5NMqreL1+I8NEu+aLRrpvy4AGhJPPpOGY1izl7lls\n"
    "tNa5nm9OQ157HKhwTAIXF9xPQh+9Yxoqudd9xhRpK42LevbcciBLP+IQasw8hvgV\n"
    "menIN8R2KQLq+cFSeuxfK+XWu3sq2IwjEd+WoQKBgQDjqrZJ4jo3gceSZ8dG/1LY\n"
    "TO844WFiFO6aA+N7JvSD+dh/4aPvdC7fBSSTxLIqxLTW6GUFO/ppY9ZZN9CHVNV4\n"
    "QD9BSoIZz1ywi/E0CiqVEpRBDGtiN90BF9Jfw5Skry90RLOiUjqz0y0d2zoJv5iL\n"
    "qbk1r8nAvrfre8JwQlNDGQ==\n"
    "-----END PRIVATE KEY-----\n";

// RSA-PSS, restricted to SHA-384.
inline constexpr char const* rsa_pss_sha384 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIE8QIBADBBBgkqhkiG9w0BAQowNKAPMA0GCWCGSAFlAwQCAgUAoRwwGgYJKoZI\n"
    "hvcNAQEIMA0GCWCGSAFlAwQCAgUAogMCATAEggSnMIIEowIBAAKCAQEAz0yozL1l\n"
    "iO5iGNGKYg/wnGSKphSyO1LwtXM0KAbb9UAZCR+FX3wPS/yF9lDqv4b3mAwOBqOu\n"
    "2z4DU3STYshgpcgt+Ya3AzjrgRO5U5H5FI71vhIhGHaCtoisZ8CPLGrwaKFLA00r\n"
    "gq8gjLNvmk98e+f/34z6b4NQe+/kdM7MTTGX0f0Ro7+YLxqpmLE1Q2HotV/veHhY\n"
    "cxGDAeuctpWVDSNZ381S+9vc9+fkfpniaKZ1Wd7BkKLUmzoudB1n2xKne90fK/8M\n"
    "fovbcJf258zQnsuoVL6R+w1mxISz4RzJZOp54lOEjK5yUcHwncs0NL6n5VJlxftZ\n"
    "oJ3cgM1nI4dYMQIDAQABAoIBAA9OymJAFCjd7ZmGk7D1G1/5HrHv8k9mKwdDKBVS\n"
    "mFiOcKrXTIqGBz0luyC6zfLxvQPZ1AlSef2PoUA+6glP4a8sTpTQCWCwCdgAxF0y\n"
    "+NE3U1dDUHVVfwaKpiyNMCVoCjO3wWnPf4iJdR5eu72J5BfkRGVWLEIi0MUuLFEh\n"
    "2j1S6588xA2B49ax7Ume/tAGP6dVkFv7WQA/uKM2Agvheq0xqnJDmEOCYvg/EMnu\n"
    "zU9jkzuOF7L1B6JWTSvkOt/TGvdtQqrBzMiFjOU9hnnY2oNWPvsFrpDgIAzwmEHp\n"
    "coRfyWGL581OVoGeC2Gr/2rLgIV09rVt++OVDzeNvne8RCcCgYEA85bkFW2An1tn\n"
    "9nSW7QohB8OFIt7VHgZylGMD1O2YZOJdNO0DqlbaSh7AHwxap9B6DKtJSbmyfBM7\n"
    "KhfoKB/A48zXBWVmjSP7zMqanaFClrCDTnM7GSX59GdRTg3nHPaeoxpkgcmJxxt6\n"
    "5D4u7CLbjsHb4/zwoCzNBAHxRmKcSIsCgYEA2dxxSHn1X12CgrXZJEdEpsdrQOTf\n"
    "xVsZjkVDEZw1oJe5z8lJfEHyVxEDiMW3HAJfURvoKSaybIHdB5OmfVQdzZmxpN7F\n"
    "l0XqMyi7NvpZb21UeXJkhaFv+CPFtAjPnE5vgVVDEuKOqPCU6g7DIWLMhTzhlxve\n"
    "uQ1a5MnRhVBWvbMCgYA1Nrh7CeH4bjKG/69c90KB/K+gD4gFOCldy0eyA3mwSFdO\n"
    "UZzkYHbtjEwyPDOtx3hyPhUTmxKn0lexeWmJIm60FTLABgfiO4MtmPEwEGOIoeT9\n"
    "hWTauJYjU1LKt3TOuf2r6f8c71c+/Pza0c7UXUUTqbwM0VwL0d2zy2zXEIHNwwKB\n"
    "gBqyb9Ng1pfEHr0jyaMvdJM3dsYyBdXqbvxHMovS56NxVFzJHs8ySZ8vv44gJGsz\n"
    "QzjuQYnhaxXu6AYIqutKxoguYF2CyxXZhHSWdjKrhRAphqOHSBg0C0OOJqkEN2TB\n"
    "G9rudtS2nKLJMIZqHrFVqRheuIpK6QUmRNAqhxleGfMPAoGBAKWlxi4f7wmvrNpj\n"
    "u4yERwo3hGNPvFMVsgDxV02PPMdZDw3qPBOb5Nd0TtOGnAFWdP42561wll9Y6Chh\n"
    "9UJggCSfco10DNOmxI1yFg8pvjGyXcj5bedoeaiFwWnOppWU8ZF6T7bHB+mlXXT8\n"
    "gfp8Dvx9SW2ToSYBH5Xbcw2lqyVO\n"
    "-----END PRIVATE KEY-----\n";

// PKCS #8 in DER, in base64.
inline constexpr char const* der =
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8jKFYygK19r/z8gsPkZciAv55AiJZiQZ"
    "Yk6RbD+IYh+hRANCAARMVi7cNMCeohKMP99JZnIkv0uMCikkyTYM6pDg2hoN+iAMo1H+dcw48mq6M1d4"
    "9VHKrc02G8IwOtJkxAZHr4Vo";

// The traditional form in DER, in base64.
inline constexpr char const* traditional_der =
    "MHcCAQEEIPIyhWMoCtfa/8/ILD5GXIgL+eQIiWYkGWJOkWw/iGIfoAoGCCqGSM49AwEHoUQDQgAETFYu"
    "3DTAnqISjD/fSWZyJL9LjAopJMk2DOqQ4NoaDfogDKNR/nXMOPJqujNXePVRyq3NNhvCMDrSZMQGR6+F"
    "aA==";

// PKCS #8 in DER, encrypted, in base64.
inline constexpr char const* encrypted_der =
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjcT6dIiQcrIwICCAAwDAYIKoZIhvcNAgkF"
    "ADAdBglghkgBZQMEASoEECcgzFDZ+nFtI5x2v9V7jWwEgZA2emIRaLcephJ2GLp4OID+KSJPnV/YIS3y"
    "aWsplqShi3ybp304qN/54N2KsxLPRLUTDu2us9Jb9hbUCxuzNAJMCzTt5H8D5HNZSZ9eRjb0ZQr1WP2q"
    "fJSgXmtUV3qPREhQHWRDnAdX8XXx/s6w8Ecwri1eIkIYXk2D1yYzhbnO+l1lCS/TERt24LN1bRVJxH8=";

// PKCS #12 as OpenSSL 3 makes it, in base64.
inline constexpr char const* pkcs12 =
    "MIIEDAIBAzCCA8IGCSqGSIb3DQEHAaCCA7MEggOvMIIDqzCCAmIGCSqGSIb3DQEHBqCCAlMwggJPAgEA"
    "MIICSAYJKoZIhvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiom8YbvHy66wICCAAw"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBQqSDboTaOm8acTb+FpLlSAggHgF4SKj/u7MD8SdqHH"
    "SoCPG5Y+xqSAwMbZUYIqf56KbuNyGAKQvsE2QZ0HJhf4+aofLbA3mfiMZktQv5fUV9WP+sIxGoQLYpM5"
    "dwXrX7U0DE68Tv2HA/GkCGiVafnyxY6DXJ5CY7rTm6PY5SHmi9C52qJbbmVaSiyWZLmBv6wf0NU8L864"
    "fjxG6i3ueCrWfEDZToJdkh04k/U84Ge+spEIUn9hkMqQyH35wg7LVtPWYzAVgz8V6exyrFLNtMzSdn+C"
    "oQaaR0qprR9BvY+n4LjnqrSrD9vMzDwlQ6FAKX+Z9rQmGeBuKJBxiiJXKf3exaHXdep//ujZ9cnQSgQw"
    "PnpIvEOYULNH8MrhUJez7Mse9RDyeFDmY1mcTreUFvYXOHRTZcZG5oqAE8Tm2/He1OBNm/zIVuImqTVb"
    "FzuXscwJGdJ6fiT8CQmtGnGU0x1hiK1rBxU3UCGIROKeZZWGcmg8wOAFb3J4sodSOi2XtO2484Y5vcUt"
    "v7eh9UQXDHC0cNwWzRhw11NiszZEwBdPEabgzlg6akSjE8on8b5fDQJGk87eafLAEYUaoH6HqNBPnbnR"
    "sWY3PydEQ8QJxoiU0AkR9KAF1MBgxrRFMvRgCV/hzYMEImJstfZWR96FVtgu8Wa8MIIBQQYJKoZIhvcN"
    "AQcBoIIBMgSCAS4wggEqMIIBJgYLKoZIhvcNAQwKAQKgge8wgewwVwYJKoZIhvcNAQUNMEowKQYJKoZI"
    "hvcNAQUMMBwECMgVn4m9rY7fAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQZZor+GrvWKiw"
    "a5eLx9bUdASBkKMGZpbR7I4UaZEVEo+o8vN8CB05rIE8pw/wCGUsJ1Y9r+LJKL9RdYYSFMLnpZpZQinY"
    "X7Y9jC1ubeevMK7Tl8ZiGSszWYTUOARCsR20lqkFQhh335zHZlOHm0xP0VeIqzG2Qz3hLQdsKr6VPMXH"
    "ztZxD4XK5NMJu7uG8kg4ONxR0RIWXFCP61PyRG7iiiwwzjElMCMGCSqGSIb3DQEJFTEWBBRASHvBd74C"
    "0xX9OO71ftanOkR+fDBBMDEwDQYJYIZIAWUDBAIBBQAEILcTky/jZun206wNvMauxFxs0Yu4oHM2tVF1"
    "JbEQF2NGBAhw4OwfZFGPFAICCAA=";

// PKCS #12 as OpenSSL 1.1 made it: the certificate is encrypted with RC2, in base64.
inline constexpr char const* pkcs12_legacy =
    "MIIDegIBAzCCA0AGCSqGSIb3DQEHAaCCAzEEggMtMIIDKTCCAh8GCSqGSIb3DQEHBqCCAhAwggIMAgEA"
    "MIICBQYJKoZIhvcNAQcBMBwGCiqGSIb3DQEMAQYwDgQIPpONMm/gJeMCAggAgIIB2JBTS3/pdJao8N1s"
    "57tVp+11AAgkoVf2jdB1Ic5VyUbgpgfV8v45aGrX4zSLz9GOXqrdz5B6xa9hQIxTQzEA+oAH0koqRzNL"
    "SrH6ZdFJkYr4zfdO69SfX4PM87TkUDLRdzdBBctDWlj+/4e1cS24t+XMGiRix5EI/pkWXtIExbnSJr9l"
    "ezcI9coI63sPIYa9YsLPOqqMA9YqVYxBfDQvddHJBYyE2jkKS7u0KhVp325A6HdgsbNkWIsfkwWKejAE"
    "1Jk9nCU9nmsf3PsIRmi94lVpihNnmTnWbZ8vXyEnlhKmQ1wan3asKND2QR9sM3umNVV+p+sD1bVCi1Cu"
    "XHb0nWF2zvrxCpCBvgHppfsLRK2mhvyJbs2nXw6WQhDJ0r9YIqkxswm3k0FCF5PXxEKLJ3YRMFtFKQ/l"
    "HnxDbLpPGXB2yGF4ehaiht6qBoyBMAJpfuis3Tfe3518CA1YOG1X4EFTVJdGNlyUtLUtrvVkbhf1l99u"
    "GXV/SjPf8NeB26sc/aiFH9bKUjt0vGwaNlAn6rKbppt1qatpalTZz/P9ZjvQ78iKFB1wt/4BUaFQc4Ar"
    "WeIkCMAEyihELcHmxhuoHPeA5AP2Hnd6unauTPXCVatyMjhvWITHHGcwggECBgkqhkiG9w0BBwGggfQE"
    "gfEwge4wgesGCyqGSIb3DQEMCgECoIG0MIGxMBwGCiqGSIb3DQEMAQMwDgQIyqlgKy/tHNsCAggABIGQ"
    "navH8YUZCmxBudU48iTxkFq5/Bu8eB4ElFig20p30bFI/owfiSf+vFeI4J2EuLoJVEBZPAIRVqGLDVUO"
    "OvGwFO3dJXqw7GWCtQOnMrUd36cHGji77flR1P6+k/8SwszVY+xYPJZ/ujpsDIXy0U8D3eGwPKundujw"
    "fwSI6d76oNfYtHT4bGwvBnotgNRDDl8cMSUwIwYJKoZIhvcNAQkVMRYEFEBIe8F3vgLTFf047vV+1qc6"
    "RH58MDEwITAJBgUrDgMCGgUABBQFKfudC8dsr7y613k1lyHKjpUitwQIqCZiwYMuugkCAggA";

// PKCS #12 with a key that is encrypted with RC2, in base64.
inline constexpr char const* pkcs12_rc2 =
    "MIIDegIBAzCCA0AGCSqGSIb3DQEHAaCCAzEEggMtMIIDKTCCAh8GCSqGSIb3DQEHBqCCAhAwggIMAgEA"
    "MIICBQYJKoZIhvcNAQcBMBwGCiqGSIb3DQEMAQYwDgQIcbrYbESxvk4CAggAgIIB2HoGZ4PJwJiwEaIO"
    "tOnFcYnb77wWVawxJV5rNdhX8WCW/Hij6EO2SzpUX1QpJj1d2BNSS0z+ApwjPFsERU5rbNCBO9lxrdBz"
    "ciyk8QCpYMiVlbcbir8w4zy4gck5FGLb0kHPD/XEn3SuzregbzmonsVtg4+WFWBHmH9dWjUVE/+Y2Cxr"
    "kez9NGb9nH5QUl/2jDOnUsvHAeadlkmDoXRzG1it9Obel7Zi9PsxNUjHvJyrrH6zfthIWIuzATuInH/3"
    "4bOEcITs3F6Z3QWPW1Zkz603iAbdANca+gCi72vkRPhopIOStPwfODGFeFxXpCtkUhmyBKUYslqIlVPq"
    "CzC1bSzyFD/lK8PeE2JvmOyNLDy8buh1lCIdIuVg422s1jezskguphhknnvxkuRg2buxF58CYpATam8J"
    "lEjplVxS1DSxwAsC/T1QLi4PLQavLqRqqNg4U21e/9SqRP2crTztJsDS+tio4VbshX4VPl86OL3J4Nx4"
    "zdrh8cGkHgCwy1dTIE8LMIDWsJc5ACb9eDZYCdq274oJwF8rFU4nLGxR0rRBjvWyMh9fWh0fZSY9dwSr"
    "GyEkGd06E9tlF86CXCRwHuH57CjZCkpW/axv1Elku0bcnFr8pOrwHPMwggECBgkqhkiG9w0BBwGggfQE"
    "gfEwge4wgesGCyqGSIb3DQEMCgECoIG0MIGxMBwGCiqGSIb3DQEMAQYwDgQIy//txIXis0kCAggABIGQ"
    "Mi1bsEcbYJ0jwG3AtZmadGBz9ZRCoNVJ9J6HnqGD0f9pOnWcEKgTXtDK9vB+iNhRHQIAppHjwETpUceY"
    "pAe2rvphySar/tQiXoa3UriYgq+ETpO9+YwSoHdd5k1G6ncGLBKiYXR2tMLuN7EyZOG3adkOPtEuGoEM"
    "fKDCJzYu4ZCuIcw2Y6tmJr+gr5WbJGjbMSUwIwYJKoZIhvcNAQkVMRYEFEBIe8F3vgLTFf047vV+1qc6"
    "RH58MDEwITAJBgUrDgMCGgUABBRV11dgJc2uzIMz9yZ4Q5t5ZMt4dwQIzApeTxK/BawCAggA";

// PKCS #12 with an empty password, in base64.
inline constexpr char const* pkcs12_empty_password =
    "MIIEDAIBAzCCA8IGCSqGSIb3DQEHAaCCA7MEggOvMIIDqzCCAmIGCSqGSIb3DQEHBqCCAlMwggJPAgEA"
    "MIICSAYJKoZIhvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAh5BWiedyEW8wICCAAw"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEECm30uc1QfWNEJg4t87jbyAggHgLZwwgoMgTVFIm9A5"
    "T+BHE7MzVZenca6bowhqN+6KK743KuI00QMQ9kH3Sv6IsWIKitF+sd70KT2RXLze7y8HK4kpLUq6b7O/"
    "8nFR+CvCD/4KIrRE4ECheKIURzZ3hDX8bEOWvbHZKYZ4DJPOXKFENK9AZhU/N9jZRJzGxpUan0wX9oO/"
    "UsLIbHjCBM3cFU1uC8epDuibv6tA0m/ZH27CMVx58nTQp2b0Qik1LZNYnzGW+0Zfe85OuKBNUcA2h7TM"
    "4T1h6wbiP9zRDiVHyZ9EIqA+C2CLGD9B00rmka4bGMsjojkgynfH0u3Iu4Ede+5B+2xADBDfI0OHdD8r"
    "hbvlkbS3FRYjYk1A6uPPAkLZFJv6sXwxjESKl8HgrgvUcAvm6M1kUVcZZvOGeGIsf/FRAjX2i97agkBo"
    "NNfoKEEx/vtoWuF5LpXFDBVvZ4AXUnFE6amDDGuF6qEFWv2ToIqbPfm7c3NqhZyY4HKdI4asBJe1Dpoo"
    "Oc1yOWM+oa5ULQ72N3lDq0LnLi9PBeqouSF2pK8xMvs3jWtkDoWqr7QBaYkQZ3NWRUPmQF8AsOgHkYQ1"
    "MYJCczJmG7DCzHibBoxtrppSkFdW5R11GPesLhg3aJrX3UU7GpJI5nlhOPCtUKRBMIIBQQYJKoZIhvcN"
    "AQcBoIIBMgSCAS4wggEqMIIBJgYLKoZIhvcNAQwKAQKgge8wgewwVwYJKoZIhvcNAQUNMEowKQYJKoZI"
    "hvcNAQUMMBwECLMoDI+FS37JAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQz+bIm3S4Iewh"
    "92PhZy0PXQSBkLQ7UElt04yAmSRWm7dezGhATrQ/VgN/Khhy27rIEJWNVX/dNkvFMjo9yJyQ3BtMqttO"
    "4YLs1x+bmtKJ12yvAk4UHLK/beM74CKsC2LC3iHmciF7rvTfEj1x+WEYYs9a7egmoHHLIjjZFjjH5ZNx"
    "Wjrz3pjFLNZ50w3ALr5kzwE4tHnvKS8uCO7lQtoC0CgtiDElMCMGCSqGSIb3DQEJFTEWBBRASHvBd74C"
    "0xX9OO71ftanOkR+fDBBMDEwDQYJYIZIAWUDBAIBBQAEIL4hpdMq6WAGgWjg6X55A7lFTtX2efOa2Nx8"
    "BlQVm1BqBAjFb90SeKj/aAICCAA=";

// PKCS #12 without a key, in base64.
inline constexpr char const* pkcs12_certificates =
    "MIIClwIBAzCCAk0GCSqGSIb3DQEHAaCCAj4EggI6MIICNjCCAjIGCSqGSIb3DQEHBqCCAiMwggIfAgEA"
    "MIICGAYJKoZIhvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAghUiI3OzrRqwICCAAw"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHWN7M91/C4CDPTjqsBRbLaAggGww934Xj2ydNWMqUSt"
    "9sO/6mTY7lMytGl3iW2ddqfqifRPMFHLsO7N+RTttq6Um3aVmvPvNpdGzzug1x/swyeWeVhsB8prAgEj"
    "icroIoygP1EuEsecvsHq1RBC6HLQlwwDJGRCqNn4awX/FD5Pe8s3M0WaL00ZhKKkAzU8fgidMdoSAvIS"
    "G8H+7WNvIWVvc2r0sh9lPLjS1QFZiX3j7iKRvj+W5C9QTsXOgAEjgrdyomBRPuz5rBkcR8bvt6PMPGVz"
    "kOl1qhONs2YqtDQod1+bnmsamsAcLOAqOXNMGIjhcO5inVMqJhIxUkDd7e+DcadkAJmCTDydS2VmMXjJ"
    "Z5k35HL95+N1tTfL9abY6ZJhBpVJXzDCRahmziNsFpN/WH9Yks1p/ZqYDloXlwANxImNxo+B25mDQcfT"
    "4xjXOvxSztTDapciM8y90zHx+xw1Zi5nm4OUOBxVJu4coCloycPYMmqRrbBm7Kfe8BPzLpzWq/FcEPWM"
    "rQmD5dpcSpltndpa6CsglDA0EeQXGaJaucclbDEklEtcfW172y7lwG4FcJWM8erKUTqA8qkKRZRiCTJX"
    "MEEwMTANBglghkgBZQMEAgEFAAQgytDhOWzfIhBDRRxhpXSewmlDnmnaKo5xmOjBmeawoJ4ECALcpe/n"
    "mwa0AgIIAA==";

} // namespace test::key_files

#endif
