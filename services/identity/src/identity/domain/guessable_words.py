"""Words that people build passwords from, in English and Portuguese. Written for this product; no list of others was copied."""

_WORDS = """
password passwort passcode passphrase pass word secret private access account admin administrator root user username
guest test testing tester temp temporary default change changeme please welcome hello letmein login logon signin master
system server manager office company business work desk support service online internet computer laptop mobile phone
email mail google facebook whatsapp instagram youtube microsoft windows apple android samsung amazon netflix twitter
iloveyou love loveyou lover forever always friend friends family mother father brother sister daddy mommy baby angel
princess prince queen king monkey dragon tiger lion eagle shadow sunshine flower rainbow butterfly summer winter spring
autumn january february march april june july august september october november december monday tuesday wednesday
thursday friday saturday sunday football soccer baseball basketball hockey tennis golf champion liverpool arsenal
chelsea barcelona real madrid juventus superman batman spiderman pokemon starwars matrix naruto qwerty qwertyuiop
asdfgh asdfghjkl zxcvbn zxcvbnm azerty abc abcd abcdef abcdefg michael jessica jennifer daniel thomas robert jordan
ashley nicole matthew andrew joshua charlie william james john david maria jose jesus christ god lucky money
million dollar freedom whatever trustno trust nothing something cookie chocolate cheese coffee orange banana
purple yellow silver golden black white green blue pink red killer hunter ranger soldier warrior ninja hacker
senha minhasenha senhas segredo acesso conta usuario administrador mudar trocar teste testando sistema empresa vendas
atendimento suporte trabalho escritorio bemvindo bemvinda bomdia boatarde boanoite brasil brazil saopaulo riodejaneiro
portugal lisboa flamengo corinthians palmeiras saopaulofc vasco gremio internacional cruzeiro atletico botafogo santos
futebol amor amormeu meuamor teamo teamomuito amovoce euteamo sempre parasempre amigo amiga amigos familia mae pai
papai mamae irmao irma filho filha bebe anjo princesa principe rainha rei deus jesuscristo jesusteama fe paz felicidade
feliz saudade coracao estrela lua sol flor borboleta gatinha gatinho cachorro gato macaco leao tigre aguia janeiro
fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro segunda terca quarta quinta sexta
sabado domingo chocolate dinheiro sucesso vida liberdade carlos pedro paulo lucas gabriel rafael felipe
fernanda juliana patricia camila amanda bruna leticia marcos antonio francisco ventros crm cliente clientes
qwert poiuy lkjhg mnbvc
"""

COMMON_WORDS: frozenset[str] = frozenset(_WORDS.split())

KEYBOARD_AND_ALPHABET: tuple[str, ...] = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "1234567890-=",
    "qwertyuiop[]",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl;'",
    "asdfghjklç",
    "zxcvbnm,./",
    "!@#$%^&*()_+",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik,",
    "9ol.",
)
"""Runs of keys and letters that fingers know by themselves, read in either direction."""
